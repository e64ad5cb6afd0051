"""The schedule says what a moment brings for one stay; no ladder climbs here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from people import BEGAN, INSIDE, OUTSIDE, presence

from domain.events.announcements import CallBefore
from domain.offence_states import Trigger, find_move
from domain.site.ladders import Ladder
from domain.site.rules import Rule
from domain.tracks import Track
from flows.escalation.call_pauses import Call
from flows.escalation.repeat_offenders import Repeats
from flows.escalation.schedule import EscalationSchedule
from flows.escalation.stays.offence import Offence


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


@pytest.fixture
def offence() -> Offence:
    shown = presence(0, {1: INSIDE})
    return Offence.begin(shown.frame, shown.holdings[0])


def schedule(rule: Rule, ladder: Ladder, repeats: Repeats | None = None) -> EscalationSchedule:
    return EscalationSchedule(rule, ladder, repeats or Repeats(ladder))


def taken(times: EscalationSchedule, offence: Offence, seconds: float) -> Iterator[Trigger]:
    """Yield the triggers of a moment, each move being made before the next is asked for."""
    for trigger in times.due(offence, at(seconds)):
        offence.make(find_move(offence.state, trigger), at(seconds))
        yield trigger


def test_the_threshold_brings_the_first_rung_at_once_and_the_others_after_their_pauses(
    rule: Rule, ladder: Ladder, offence: Offence
) -> None:
    times = schedule(rule, ladder)
    brought = {
        seconds: list(taken(times, offence, seconds)) for seconds in (3.9, 4, 6.9, 7, 10, 11.9, 12)
    }
    assert brought == {
        3.9: [],
        4: [Trigger.THRESHOLD_REACHED, Trigger.RUNG_DUE],
        6.9: [],
        7: [Trigger.RUNG_DUE],
        10: [Trigger.RUNG_DUE],
        11.9: [],
        12: [Trigger.LADDER_SPENT],
    }
    assert offence.escalation.next_rung == 3


def test_a_rung_that_says_nothing_and_a_first_time_that_is_exempt_are_triggers_of_their_own(
    rule: Rule, ladder: Ladder, offence: Offence
) -> None:
    silent = ladder.rungs[0].model_copy(update={"does": ("notify",), "text": None})
    short = ladder.model_copy(update={"rungs": (silent,)})
    times = schedule(rule.model_copy(update={"first_time_exempt": True}), short)
    assert list(taken(times, offence, 4)) == [Trigger.THRESHOLD_REACHED, Trigger.SILENT_RUNG_DUE]
    assert list(taken(times, offence, 6)) == [Trigger.LADDER_SPENT_FIRST_TIME]


def test_who_offended_before_begins_higher_and_waits_for_nothing(
    rule: Rule, ladder: Ladder, offence: Offence
) -> None:
    strict = ladder.model_copy(update={"repeat_window_s": 60.0, "repeat_starts_at": 2})
    repeats = Repeats(strict)
    repeats.note(Track(1), at(-5))
    assert list(taken(schedule(rule, strict, repeats), offence, 4)) == [
        Trigger.THRESHOLD_REACHED,
        Trigger.RUNG_DUE,
    ]
    assert (offence.escalation.first_rung, offence.escalation.next_rung) == (1, 2)
    assert offence.escalation.earlier_offences == 1


def test_while_the_last_offence_is_fresh_no_other_opens(
    rule: Rule, ladder: Ladder, offence: Offence
) -> None:
    cooling = ladder.model_copy(update={"cooldown_s": 30.0})
    repeats = Repeats(cooling)
    repeats.note(Track(1), at(-5))
    times = schedule(rule, cooling, repeats)
    assert list(taken(times, offence, 24.9)) == []
    assert next(taken(times, offence, 25)) is Trigger.THRESHOLD_REACHED


def test_words_of_an_operator_are_no_rung_and_begin_the_pause_anew(
    rule: Rule, ladder: Ladder, offence: Offence
) -> None:
    times = schedule(rule, ladder)
    assert list(taken(times, offence, 4))
    spoken = find_move(offence.state, Trigger.OPERATOR_SPEAKS)
    offence.make(spoken, at(6), is_rung=False)
    assert (offence.escalation.next_rung, len(offence.escalation.calls)) == (1, 2)
    assert list(taken(times, offence, 8.9)) == []
    assert list(taken(times, offence, 9)) == [Trigger.RUNG_DUE]


def test_the_pause_waits_for_what_came_of_the_call(
    rule: Rule, ladder: Ladder, offence: Offence
) -> None:
    known: list[CallBefore | None] = [None, CallBefore(result="played", counted_from=at(6))]

    class Pauses:
        def after_pause(self, *asked: object) -> CallBefore | None:
            assert asked == (Call("evt-1", at(4)), at(4), 3.0, at(9))
            return known.pop(0)

    times = EscalationSchedule(rule, ladder, Repeats(ladder), Pauses())  # type: ignore[arg-type]
    assert list(taken(times, offence, 4))
    offence.escalation.call = Call("evt-1", at(4))
    assert list(taken(times, offence, 9)) == []
    assert list(taken(times, offence, 9)) == [Trigger.RUNG_DUE]
    assert offence.escalation.call_before == CallBefore(result="played", counted_from=at(6))


def test_who_is_outside_long_enough_or_unseen_too_long_has_left(
    rule: Rule, ladder: Ladder, offence: Offence
) -> None:
    times, stay = schedule(rule, ladder), offence.stay
    out = presence(5, {1: OUTSIDE})
    stay.note(out.frame, out.holdings[0])
    assert not times.has_left(stay, at(5.9)) and times.has_left(stay, at(6))
    assert not times.is_gone(stay, at(7)) and times.is_gone(stay, at(7.1))
    stay.is_missing = True  # the program was away: not seen says nothing
    assert not times.is_gone(stay, at(60))
