"""The ladder on the frames' own clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ladder_and_log import restore_ladder, save_ladder
from people import BEGAN, INSIDE, OUTSIDE, presence, story

from domain.base import BothLanguages
from domain.cameras.status import CameraNotice, ReadCounts
from flows.escalation.ladder import RuleLadder

Make = Callable[[], RuleLadder]
CABLE_CUT = BothLanguages(zh="断线", en="cable cut")


def frames(fps: float, until_s: float, who: Callable[[float], dict[int, bool]]):  # type: ignore[no-untyped-def]
    return [presence(n / fps, who(n / fps)) for n in range(int(until_s * fps) + 1)]


def test_somebody_who_stays_climbs_every_rung_and_is_escalated(make_ladder: Make) -> None:
    told = story(make_ladder(), frames(5, 20, lambda t: {1: INSIDE}))
    assert told == ["4 opened", "4 warned", "7 warned", "10 warned", "12 escalated"]


def test_somebody_who_leaves_after_the_first_call_complied(make_ladder: Make) -> None:
    told = story(make_ladder(), frames(5, 20, lambda t: {1: INSIDE if t < 5.5 else OUTSIDE}))
    assert told == ["4 opened", "4 warned", "6.6 complied"]


def test_of_somebody_who_is_no_longer_seen_nobody_says_that_they_complied(
    make_ladder: Make,
) -> None:
    told = story(make_ladder(), frames(5, 60, lambda t: {1: INSIDE} if t < 5.5 else {}))
    assert told == ["4 opened", "4 warned", "5.4 unknown"]


def test_passing_through_is_no_offence(make_ladder: Make) -> None:
    assert story(make_ladder(), frames(5, 20, lambda t: {1: INSIDE} if t < 3.9 else {})) == []


def test_two_isolated_sightings_make_no_dwell(make_ladder: Make) -> None:
    seen = {0.0: {1: INSIDE}, 10.0: {1: INSIDE}}
    assert story(make_ladder(), frames(5, 20, lambda t: seen.get(t, {}))) == []


def test_a_short_miss_neither_resets_the_clock_nor_warns_again(make_ladder: Make) -> None:
    told = story(
        make_ladder(), frames(5, 20, lambda t: {} if 2 < t < 3.8 or 8 < t < 9.5 else {1: INSIDE})
    )
    assert told == ["4 opened", "4 warned", "7 warned", "10 warned", "12 escalated"]


def test_a_silent_camera_leaves_the_outcome_unknown(make_ladder: Make) -> None:
    ladder = make_ladder()
    early = frames(5, 6, lambda t: {1: INSIDE})
    late = [presence(t, {}) for t in (20.0, 20.2)]
    assert story(ladder, early + late) == ["4 opened", "4 warned", "6 unknown"]


def test_a_camera_that_fails_leaves_the_outcome_unknown(make_ladder: Make) -> None:
    ladder = make_ladder()
    story(ladder, frames(5, 6, lambda t: {1: INSIDE}))
    notice = CameraNotice(
        "north", "failed", CABLE_CUT, BEGAN + timedelta(seconds=7), ReadCounts(30, 0), 6.0
    )
    events = ladder.notice(notice)
    assert [(event.data.state, event.data.reason) for event in events] == [("unknown", "cable cut")]  # type: ignore[attr-defined]
    assert ladder.notice(notice) == []


def test_a_frame_that_was_taken_before_begins_nothing(make_ladder: Make) -> None:
    ladder = make_ladder()
    story(ladder, frames(5, 5, lambda t: {1: INSIDE}))
    ladder.lose_sight(CABLE_CUT)
    story(ladder, frames(5, 5, lambda t: {1: INSIDE}))
    assert not ladder.offences


def test_an_escalated_subject_is_not_warned_again_while_they_stay(make_ladder: Make) -> None:
    told = story(make_ladder(), frames(5, 60, lambda t: {1: INSIDE}))
    assert told.count("4 warned") == 1
    assert len(told) == 5


def test_nobody_is_warned_in_a_frame_that_does_not_show_them(make_ladder: Make) -> None:
    told = story(make_ladder(), frames(5, 9, lambda t: {} if 6.9 < t < 8.1 else {1: INSIDE}))
    assert told == ["4 opened", "4 warned", "8.2 warned"]


def test_two_people_climb_ladders_of_their_own(make_ladder: Make) -> None:
    ladder = make_ladder()
    for frame in frames(5, 30, lambda t: {1: INSIDE, 2: INSIDE} if t > 3 else {1: INSIDE}):
        ladder.step(frame.frame, frame.holdings)
    assert {o.stay.first.at for o in ladder.offences.values()} == {
        BEGAN,
        BEGAN + timedelta(seconds=3.2),
    }


@pytest.mark.parametrize("fps", [25, 10, 5, 2])
def test_the_outcome_does_not_depend_on_the_frame_rate(make_ladder: Make, fps: int) -> None:
    told = story(make_ladder(), frames(fps, 20, lambda t: {1: INSIDE}))
    assert told == ["4 opened", "4 warned", "7 warned", "10 warned", "12 escalated"]


@given(dropped=st.sets(st.integers(1, 299), max_size=90), cut_at=st.integers(1, 299))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_dropped_frames_and_a_restart_change_no_decision(
    make_ladder: Make, dropped: set[int], cut_at: int
) -> None:
    """30 % of frames gone, state saved and restored somewhere, some frames replayed."""
    every = frames(10, 30, lambda t: {1: INSIDE})
    kept = [frame for n, frame in enumerate(every) if n not in dropped]
    ladder = make_ladder()
    events = [
        event for frame in kept[:cut_at] for event in ladder.step(frame.frame, frame.holdings)
    ]
    resumed = restore_ladder(make_ladder(), save_ladder(ladder))
    for frame in kept[max(0, cut_at - 10) :]:
        events += resumed.step(frame.frame, frame.holdings)
    states = [event.data.state for event in events]  # type: ignore[attr-defined]
    gaps = [(b.frame.captured_at - a.frame.captured_at).total_seconds() for a, b in pairwise(kept)]
    if max(gaps) <= 2:
        assert states == ["opened", "warned", "warned", "warned", "escalated"]
    assert len({event.id for event in events}) == len(events)


@given(
    shown=st.lists(st.sampled_from([INSIDE, OUTSIDE, None]), min_size=1, max_size=200),
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_story_breaks_the_order_of_the_ladder(make_ladder: Make, shown: list) -> None:  # type: ignore[type-arg]
    """Whatever a subject does: opened first, at most three calls, at most one outcome."""
    ladder = make_ladder()
    by_offence: dict[str, list[str]] = {}
    for n, inside in enumerate(shown):
        shown_now = presence(n / 2, {} if inside is None else {1: inside})
        for event in ladder.step(shown_now.frame, shown_now.holdings):
            by_offence.setdefault(event.subject, []).append(event.data.state)  # type: ignore[attr-defined]
    for states in by_offence.values():
        assert states[0] == "opened"
        assert states.count("warned") <= 3
        ends = [
            state for state in states if state in ("complied", "lapsed", "escalated", "unknown")
        ]
        assert len(ends) <= 1
        assert not ends or states[-1] == ends[0]
        assert "escalated" not in states or states.count("warned") == 3


def test_the_same_footage_mints_the_same_ids(make_ladder: Make) -> None:
    def ids() -> list[str]:
        ladder = make_ladder()
        return [
            e.id
            for f in frames(5, 20, lambda t: {1: INSIDE})
            for e in ladder.step(f.frame, f.holdings)
        ]

    assert ids() == ids()
