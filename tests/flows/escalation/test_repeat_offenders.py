"""Who comes back: cool-down, a ladder that begins higher, the first time let off."""

from __future__ import annotations

from typing import Any

import pytest
from ladder_and_log import restore_ladder, save_ladder
from people import INSIDE, OUTSIDE, Shown, at, presence, story
from pydantic import ValidationError

from domain.events.catalog import OffenceOpened
from domain.frames import FrameStamp
from domain.site.ladders import Ladder
from domain.site.rules import Rule
from domain.tracks import SubjectLink, SubjectMatch, Track
from flows.conditions.condition import Holding
from flows.escalation.ladder import RuleLadder
from flows.escalation.offence_writer import OffenceWriter
from flows.escalation.repeat_offenders import Repeats

WITHIN_A_MINUTE = {"repeat_window_s": 60, "repeat_starts_at": 2, "cooldown_s": 20}


def climbing(rule: Rule, ladder: Ladder, exempt: bool = False, **options: Any) -> RuleLadder:
    rule = rule.model_copy(update={"first_time_exempt": exempt})
    ladder = Ladder.model_validate(ladder.model_dump() | options)
    return RuleLadder(rule, ladder, OffenceWriter("square", "north", rule, ladder))


def visits(*spans: tuple[float, float], until_s: float) -> list[Any]:
    """Frames of subject 1, who is inside during the spans and outside else."""
    return [
        presence(n / 5, {1: INSIDE if any(a <= n / 5 < b for a, b in spans) else OUTSIDE})
        for n in range(int(until_s * 5) + 1)
    ]


def test_a_repeater_begins_at_the_rung_that_the_ladder_says(rule: Rule, ladder: Ladder) -> None:
    climbs = climbing(rule, ladder, repeat_window_s=60, repeat_starts_at=3)
    events = [
        event
        for shown in visits((0, 5), (20, 40), until_s=45)
        for event in climbs.step(shown.frame, shown.holdings)
    ]
    told = [(event.data.state, getattr(event.data, "rung_id", "")) for event in events]  # type: ignore[attr-defined]
    assert told == [
        ("opened", ""),
        ("warned", "ask"),
        ("complied", ""),
        ("opened", ""),
        ("warned", "announce"),
        ("escalated", ""),
    ]
    assert [event.data.earlier_offences for event in events if event.data.state == "opened"] == [  # type: ignore[attr-defined]
        0,
        1,
    ]
    assert len({event.id for event in events}) == len(events)


def test_after_the_window_nobody_is_a_repeater_and_nothing_is_remembered(
    rule: Rule, ladder: Ladder
) -> None:
    climbs = climbing(rule, ladder, repeat_window_s=10, repeat_starts_at=3)
    told = story(climbs, visits((0, 5), (30, 35), until_s=60))
    assert told == ["4 opened", "4 warned", "6 complied", "34 opened", "34 warned", "36 complied"]
    assert climbs.repeats.past == {}


def test_without_a_window_every_visit_is_the_first(rule: Rule, ladder: Ladder) -> None:
    climbs = climbing(rule, ladder)
    story(climbs, visits((0, 5), (10, 15), until_s=20))
    assert climbs.repeats.past == {}


def test_a_cool_down_leaves_a_subject_alone_for_a_while(rule: Rule, ladder: Ladder) -> None:
    climbs = climbing(rule, ladder, cooldown_s=10)
    told = story(climbs, visits((0, 5), (7, 40), until_s=20))
    assert told == ["4 opened", "4 warned", "6 complied", "16 opened", "16 warned", "19 warned"]


def test_the_first_time_is_let_off_and_the_second_is_not(rule: Rule, ladder: Ladder) -> None:
    climbs = climbing(rule, ladder, exempt=True, repeat_window_s=600, repeat_starts_at=1)
    told = story(climbs, visits((0, 15), (30, 60), until_s=60))
    assert told == [
        *("4 opened", "4 warned", "7 warned", "10 warned", "12 exempted"),
        *("34 opened", "34 warned", "37 warned", "40 warned", "42 escalated"),
    ]


def test_a_restart_remembers_repeaters(rule: Rule, ladder: Ladder) -> None:
    options = {"repeat_window_s": 60, "repeat_starts_at": 3}
    first, second = climbing(rule, ladder, **options), climbing(rule, ladder, **options)
    frames = visits((0, 5), (20, 40), until_s=45)
    told = story(first, frames[:60])
    restore_ladder(second, save_ladder(first))
    told += story(second, frames[60:])
    assert told == story(climbing(rule, ladder, **options), frames)


def test_a_ladder_cannot_begin_at_a_rung_it_does_not_have(ladder: Ladder) -> None:
    with pytest.raises(ValidationError, match="names rung 4, the ladder has 3"):
        Ladder.model_validate(ladder.model_dump() | {"repeat_window_s": 9, "repeat_starts_at": 4})


def test_a_stay_told_under_a_new_number_goes_on_under_the_old_one(
    rule: Rule, ladder: Ladder
) -> None:
    climbs = climbing(rule, ladder, repeat_window_s=60, repeat_starts_at=3)
    told = story(climbs, visits((0, 5), until_s=8))
    # the same person comes back as number 7 and is recognised after a second
    told += story(climbs, [presence(20 + n / 5, {7: INSIDE}) for n in range(6)])
    link = SubjectLink(1, 7, SubjectMatch(1, "return", 12.0, 0.95, 0.2, 0.005, True))
    assert climbs.renumber(link, at(21.2)) == []
    later = [presence(21.2 + n / 5, {1: INSIDE}) for n in range(20)]
    events = [
        event
        for shown in later
        for event in climbs.step(shown.frame, shown.holdings, matches={1: link.match})
    ]
    assert told == ["4 opened", "4 warned", "6 complied"]
    opened = events[0].data
    assert isinstance(opened, OffenceOpened)
    assert opened.dwell_s == 4.0  # since 20 s, under either number
    assert opened.subject_id == "north/1"
    assert opened.earlier_offences == 1
    assert opened.recognition is not None
    assert (opened.recognition.how, opened.recognition.similarity) == ("return", 0.95)
    assert (opened.recognition.verdict, opened.recognition.error) == ("same", 0.005)
    assert opened.recognition.earlier_subject_id == "north/1"


def test_who_is_perhaps_the_same_is_warned_as_anybody_and_the_record_says_so(
    rule: Rule, ladder: Ladder
) -> None:
    climbs = climbing(
        rule, ladder, exempt=True, repeat_window_s=60, repeat_starts_at=3, cooldown_s=50
    )
    first = [e for shown in visits((0, 5), until_s=8) for e in climbs.step(*_of(shown))]
    perhaps = SubjectMatch(1, "return", 12.0, 0.98, 0.2, 0.1, False)
    came = [presence(20 + n / 5, {7: INSIDE}) for n in range(26)]
    events = [e for shown in came for e in climbs.step(*_of(shown), matches={7: perhaps})]
    # neither left alone for the other's cool-down, nor begun at the repeater's rung
    assert [getattr(event.data, "rung_id", "") for event in events] == ["", "ask"]
    opened = events[0].data
    assert isinstance(opened, OffenceOpened)
    assert (opened.subject_id, opened.earlier_offences) == ("north/7", 0)
    assert opened.recognition is not None
    assert (opened.recognition.verdict, opened.recognition.error) == ("perhaps", 0.1)
    assert opened.recognition.earlier_subject_id == "north/1"
    assert opened.recognition.earlier_offence_id == first[0].subject


def test_a_resemblance_that_did_not_last_is_not_on_record(rule: Rule, ladder: Ladder) -> None:
    climbs = climbing(rule, ladder)
    perhaps = {7: SubjectMatch(1, "return", 12.0, 0.9, 0.2, 0.4, False)}
    came = [presence(n / 5, {7: INSIDE}) for n in range(25)]
    events = [
        event
        for row, shown in enumerate(came)
        for event in climbs.step(*_of(shown), matches=perhaps if row < 5 else {})
    ]
    opened = events[0].data
    assert isinstance(opened, OffenceOpened)
    assert opened.recognition is None


def _of(shown: Shown) -> tuple[FrameStamp, tuple[Holding, ...]]:
    return shown.frame, shown.holdings


def test_a_new_number_for_somebody_whose_stay_never_ended_is_dropped(
    rule: Rule, ladder: Ladder
) -> None:
    climbs = climbing(rule, ladder)
    story(climbs, [presence(n / 5, {1: INSIDE}) for n in range(10)])
    story(climbs, [presence(2 + n / 5, {7: INSIDE}) for n in range(5)])
    assert (
        climbs.renumber(
            SubjectLink(1, 7, SubjectMatch(1, "occlusion", 1.0, 0.9, 0.3, 0.005, True)), at(3)
        )
        == []
    )
    told = story(climbs, [presence(3 + n / 5, {1: INSIDE}) for n in range(10)])
    assert told == ["4 opened", "4 warned"]
    assert list(climbs.offences) == [Track(1)]


def test_a_silent_ladder_lets_only_the_first_time_off(rule: Rule, ladder: Ladder) -> None:
    note = {"id": "note", "after_s": 0, "does": ["open_case"]}
    options = {"rungs": [note], "repeat_window_s": 100, "repeat_starts_at": 1}
    climbs = climbing(rule, ladder, exempt=True, **options)
    told = story(climbs, visits((0, 7), (20, 27), (40, 47), until_s=50))
    ends = [line.split()[1] for line in told if line.split()[1] in ("exempted", "escalated")]
    assert ends == ["exempted", "escalated", "escalated"]


def test_an_escalation_without_a_call_counts_as_an_earlier_offence(
    rule: Rule, ladder: Ladder
) -> None:
    note = {"id": "note", "after_s": 0, "does": ["open_case"]}
    options = {"rungs": [note], "repeat_window_s": 100, "repeat_starts_at": 1}
    climbs = climbing(rule, ladder, **options)
    events = [
        event
        for shown in visits((0, 7), (20, 27), until_s=30)
        for event in climbs.step(shown.frame, shown.holdings)
    ]
    opened = [event.data for event in events if isinstance(event.data, OffenceOpened)]
    assert [each.earlier_offences for each in opened] == [0, 1]


def test_a_dismissal_prolongs_no_repeat_window(ladder: Ladder) -> None:
    repeats = Repeats(Ladder.model_validate(ladder.model_dump() | WITHIN_A_MINUTE))
    repeats.note(Track(1), at(0))
    repeats.note(Track(1), at(50), counts=False)
    repeats.forget(at(70))
    assert repeats.earlier(Track(1), at(60)) == 1
    assert repeats.earlier(Track(1), at(61)) == 0
    assert repeats.is_cooling(Track(1), at(69)) and not repeats.is_cooling(Track(1), at(70))


def test_who_is_recognised_has_done_what_both_numbers_did(ladder: Ladder) -> None:
    repeats = Repeats(Ladder.model_validate(ladder.model_dump() | WITHIN_A_MINUTE))
    repeats.note(Track(1), at(0))
    repeats.note(Track(7), at(30))
    repeats.note(Track(7), at(40), counts=False)
    repeats.renumber(Track(1), Track(7))
    assert repeats.earlier(Track(1), at(80)) == 2 and repeats.earlier(Track(7), at(80)) == 0
    assert repeats.is_cooling(Track(1), at(59))
