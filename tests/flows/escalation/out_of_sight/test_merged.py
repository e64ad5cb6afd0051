"""Two offences that turn out to be one person's: the older goes on, the other one counts as nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from by_operators import pending
from ladder_and_log import restore_ladder, save_ladder
from people import BEGAN, INSIDE, OUTSIDE, at, presence

from domain.events.catalog import (
    CommandRefused,
    Event,
    OffenceComplied,
    OffenceMerged,
    OffenceUnknown,
)
from domain.events.commands import CommandKind
from domain.offence_states import State
from domain.site.ladders import Ladder
from domain.site.rules import Rule
from domain.tracks import SubjectLink, SubjectMatch, Track
from flows.escalation.ladder import RuleLadder
from flows.escalation.offence_writer import OffenceWriter

Make = Callable[..., RuleLadder]
LINK = SubjectLink(1, 2, SubjectMatch(1, "occlusion", 2.0, 0.95, 0.3, 0.005, True))


@pytest.fixture
def make(rule: Rule, ladder: Ladder) -> Make:
    """Make a ladder whose threshold is reached before it is known who somebody is."""
    rule = rule.model_copy(update={"threshold_s": 1.0, "gap_tolerance_s": 5.0})

    def make(**options: Any) -> RuleLadder:
        climbs = Ladder.model_validate(ladder.model_dump() | options)
        return RuleLadder(rule, climbs, OffenceWriter("square", "north", rule, climbs))

    return make


def play(ladder: RuleLadder, from_s: float, to_s: float, *numbers: int) -> list[Event]:
    frames = [
        presence(n / 5, dict.fromkeys(numbers, INSIDE))
        for n in range(round(from_s * 5), round(to_s * 5))
    ]
    return [event for each in frames for event in ladder.step(each.frame, each.holdings)]


def told(events: list[Event]) -> list[str]:
    return [
        f"{(event.time - BEGAN).total_seconds():g} {event.data.state}"  # type: ignore[attr-defined]
        for event in events
    ]


def until_both_were_told(ladder: RuleLadder) -> list[Event]:
    """Somebody is hidden for 2 s, and comes out under a number of its own."""
    return [*play(ladder, 0, 2, 1), *play(ladder, 2, 4), *play(ladder, 4, 5.4, 2)]


def test_the_older_goes_on_and_nobody_is_said_to_have_left(make: Make) -> None:
    ladder = make()
    events = until_both_were_told(ladder)
    assert told(events) == ["1 opened", "1 warned", "5 opened", "5 warned"]
    (merged,) = ladder.renumber(LINK, at(5.4))
    assert isinstance(merged.data, OffenceMerged)
    assert merged.subject == events[2].subject
    assert merged.data.goes_on_as == events[0].subject
    assert merged.data.recognition.similarity == 0.95
    later = play(ladder, 5.4, 20, 1)
    # the pause counts from the call that this person heard last
    assert told(later) == ["8 warned", "11 warned", "13 escalated"]
    assert {event.subject for event in later} == {events[0].subject}


def test_where_somebody_was_under_the_other_number_is_in_the_track(make: Make) -> None:
    ladder = make()
    until_both_were_told(ladder)
    ladder.renumber(LINK, at(5.4))
    stay = ladder.offences[Track(1)].stay
    assert stay.last_seen_at == at(5.2)
    times = [point.at for point in stay.track.points()]
    assert at(4) in times and times == sorted(set(times))


def test_it_counts_as_nothing(make: Make) -> None:
    ladder = make(repeat_window_s=60, repeat_starts_at=3, cooldown_s=30)
    until_both_were_told(ladder)
    ladder.renumber(LINK, at(5.4))
    assert ladder.repeats.past == {}


@pytest.mark.parametrize("ended", [State.ESCALATED, State.DISMISSED])
def test_what_has_ended_already_stays_as_it_ended(make: Make, ended: State) -> None:
    """The younger one's subject was asked for: nothing more is said to the same person."""
    ladder = make()
    events = until_both_were_told(ladder)
    ladder.offences[Track(2)].state = ended
    (merged,) = ladder.renumber(LINK, at(5.4))
    assert merged.subject == events[0].subject and merged.data.goes_on_as == events[2].subject  # type: ignore[attr-defined]
    assert play(ladder, 5.4, 20, 1) == []


def test_what_an_operator_has_goes_on(make: Make) -> None:
    ladder = make()
    events = until_both_were_told(ladder)
    ladder.command(pending(CommandKind.TAKE_OVER, events[2].subject))
    (merged,) = ladder.renumber(LINK, at(5.4))
    assert merged.subject == events[0].subject
    assert ladder.offences[Track(1)].state is State.TAKEN_OVER


@pytest.mark.parametrize("is_restarted", [False, True])
def test_who_was_warned_as_the_older_one_stays_warned(
    make: Make, ladder: Ladder, is_restarted: bool
) -> None:
    """Before: handed back as if nothing had been said to them, and what they did counted as nothing."""
    late = [{**each, "after_s": 3} for each in ladder.model_dump()["rungs"]]

    def climbing() -> RuleLadder:
        return make(rungs=late, repeat_window_s=60)

    watch = climbing()
    events = [*play(watch, 0, 5, 1), *play(watch, 5, 7), *play(watch, 7, 8.4, 2)]
    assert told(events) == ["1 opened", "4 warned", "8 opened"]
    events += watch.command(pending(CommandKind.TAKE_OVER, events[2].subject))
    events += watch.renumber(LINK, at(8.4))
    if is_restarted:
        saved = save_ladder(watch)
        watch = restore_ladder(climbing(), saved)
        watch.adopt(
            {each.subject: [e for e in events if e.subject == each.subject] for each in events}
        )
    play(watch, 8.4, 9, 1)
    (back,) = watch.command(pending(CommandKind.HAND_BACK, events[2].subject))
    assert back.data.state == "warned"  # type: ignore[attr-defined]
    gone = [presence(n / 5, {1: OUTSIDE}) for n in range(46, 60)]
    (left,) = [event for each in gone for event in watch.step(each.frame, each.holdings)]
    assert isinstance(left.data, OffenceComplied)
    assert watch.repeats.past[Track(1)].offences == 1


def test_a_stay_that_nobody_was_told_of_gives_way_to_an_offence(make: Make) -> None:
    ladder = make()
    play(ladder, 0, 0.6, 1)
    events = [*play(ladder, 0.6, 2), *play(ladder, 2, 3.4, 2)]
    assert ladder.renumber(LINK, at(3.4)) == []
    later = play(ladder, 3.4, 20, 1)
    assert told(events + later)[-1] == "11 escalated"
    assert {event.subject for event in later} == {events[0].subject}


def test_a_command_about_it_is_refused(make: Make) -> None:
    ladder = make()
    events = until_both_were_told(ladder)
    ladder.renumber(LINK, at(5.4))
    (answer,) = ladder.command(pending(CommandKind.DISMISS, events[2].subject))
    assert isinstance(answer.data, CommandRefused)


def test_after_a_restart_it_stays_merged(make: Make) -> None:
    ladder = make()
    events = until_both_were_told(ladder)
    before = save_ladder(ladder)
    events += ladder.renumber(LINK, at(5.4))
    stories = {each.subject: [e for e in events if e.subject == each.subject] for each in events}
    again = restore_ladder(make(), before)
    again.adopt(stories)
    later = [*play(again, 6, 8, 1), *play(again, 8, 20)]
    assert not [event for event in later if event.subject == events[2].subject]
    assert not [event for event in later if isinstance(event.data, OffenceUnknown)]
