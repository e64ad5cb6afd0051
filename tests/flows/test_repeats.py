"""Who comes back: cool-down, a ladder that begins higher, the first time let off."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from people import INSIDE, OUTSIDE, presence, story
from pydantic import ValidationError

from domain.events import OffenceOpened
from domain.site import Ladder, Rule
from domain.tracks import SubjectLink
from flows.steps.ladder import RuleLadder
from flows.steps.offence import OffenceWriter


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
    state = pickle.loads(pickle.dumps((first.offences, first.last_at, first.repeats.past)))
    second.offences, second.last_at, second.repeats.past = state
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
    link = SubjectLink(track_id=1, was=7, how="return", gap_s=12.0, similarity=0.95, margin=0.2)
    climbs.renumber(link)
    climbs.note_recognition(link)
    later = [presence(21.2 + n / 5, {1: INSIDE}) for n in range(20)]
    events = [event for shown in later for event in climbs.step(shown.frame, shown.holdings)]
    assert told == ["4 opened", "4 warned", "6 complied"]
    opened = events[0].data
    assert isinstance(opened, OffenceOpened)
    assert opened.dwell_s == 4.0  # since 20 s, under either number
    assert opened.subject_id == "north/1"
    assert opened.earlier_offences == 1
    assert opened.recognition is not None
    assert (opened.recognition.how, opened.recognition.similarity) == ("return", 0.95)


def test_a_new_number_for_somebody_whose_stay_never_ended_is_dropped(
    rule: Rule, ladder: Ladder
) -> None:
    climbs = climbing(rule, ladder)
    story(climbs, [presence(n / 5, {1: INSIDE}) for n in range(10)])
    story(climbs, [presence(2 + n / 5, {7: INSIDE}) for n in range(5)])
    climbs.renumber(SubjectLink(1, 7, "occlusion", 1.0, 0.9, 0.3))
    told = story(climbs, [presence(3 + n / 5, {1: INSIDE}) for n in range(10)])
    assert told == ["4 opened", "4 warned"]
    assert list(climbs.offences) == ["1"]
