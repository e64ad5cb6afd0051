"""Boxes around groups and half the picture are followed by nobody, and counted; near people are kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_frames import detections

from domain.cameras.status import CameraNotice, ReadCounts
from domain.detections import Detections
from domain.events.catalog import CameraChanged
from domain.saved_state import StateFormat
from domain.tracks import TrackedFrame
from flows.tracking.impossible import HUGE_SHARE, is_nobody
from flows.tracking.memory import SubjectState
from flows.tracking.track import TRACKER_FORMAT, CameraTracker, TrackLogic
from forewarn.terminal.event_lines import describe

WIDTH, HEIGHT = 768.0, 576.0
Box = tuple[float, float, float, float]
CROWD: list[Box] = [(60.0 + 90 * n, 300.0, 85.0 + 90 * n, 380.0) for n in range(7)]
AROUND: Box = (50.0, 290.0, 660.0, 390.0)
HALF: Box = (20.0, 40.0, 560.0, 480.0)


def seen(*boxes: Box, score: float = 0.6, at_s: float = 0.0, class_id: int = 1) -> Detections:
    found = detections(at_s, list(boxes))
    return replace(
        found,
        scores=np.full(len(boxes), score, np.float32),
        class_ids=np.full(len(boxes), class_id, np.int64),
    )


def test_a_box_around_a_group_is_nobody_and_those_in_it_are() -> None:
    assert is_nobody(seen(AROUND, *CROWD)).tolist() == [True] + [False] * len(CROWD)


def test_half_the_picture_is_nobody_unless_somebody_is_seen_well() -> None:
    assert is_nobody(seen(HALF)).tolist() == [True]
    assert is_nobody(seen(HALF, score=0.9)).tolist() == [False], "who bends to the lens"


@given(
    left=st.floats(0, 400),
    wide=st.floats(20, 368),
    high=st.floats(30, HEIGHT),
    score=st.floats(0.25, 1, width=32),
)
def test_whoever_stands_upright_stays_however_near_and_whoever_is_behind(
    left: float, wide: float, high: float, score: float
) -> None:
    """At a counter people fill nine tenths of the picture's height, and a quarter of it."""
    wide = min(wide, 0.75 * high)
    box = (left, HEIGHT - high, left + wide, HEIGHT)
    behind = [(left + 2, HEIGHT - high, left + 8, HEIGHT - high + 20)] * 3
    assert not is_nobody(seen(box, *behind, score=score)).any()


@given(left=st.floats(0, 400), wide=st.floats(40, 360), high=st.floats(20, 340))
def test_whoever_lies_or_is_cut_off_stays_where_nobody_else_is(
    left: float, wide: float, high: float
) -> None:
    if wide * high >= HUGE_SHARE * WIDTH * HEIGHT:
        high = 0.99 * HUGE_SHARE * WIDTH * HEIGHT / wide
    assert not is_nobody(seen((left, HEIGHT - high, left + wide, HEIGHT))).any()


def test_one_person_beside_a_bag_or_a_child_is_no_group() -> None:
    lying: Box = (100.0, 400.0, 300.0, 480.0)
    child: Box = (120.0, 410.0, 150.0, 478.0)
    assert not is_nobody(seen(lying, child)).any()
    # what the detector itself does not believe makes no group: a head, a trunk
    weak = replace(
        seen(lying, child, (200, 410, 230, 478)), scores=np.array([0.5, 0.1, 0.1], np.float32)
    )
    assert not is_nobody(weak).any()


# what is as wide as .8 of its height, as large as a third of 768 x 576 and no surer than .8 is nobody
@pytest.mark.parametrize(
    ("box", "score", "is_none"),
    [
        ((0, 0, 346, 432), 0.6, True),
        ((0, 0, 344, 432), 0.6, False),
        ((0, 0, 400, 370), 0.6, True),
        ((0, 0, 400, 367), 0.6, False),
        ((0, 0, 400, 370), 0.79, True),
        ((0, 0, 400, 370), 0.81, False),
    ],
)
def test_a_box_is_nobodys_from_so_wide_so_large_and_so_unsure_on(
    box: Box, score: float, is_none: bool
) -> None:
    assert is_nobody(seen(box, score=score)).tolist() == [is_none]


# a group's box of 200 x 100 with one in it for sure, and another
@pytest.mark.parametrize(
    ("other", "score", "is_group"),
    [
        ((150, 0, 190, 100), 0.6, True),
        ((167, 0, 207, 100), 0.6, True),  # 33 of 40 pixels lie in it
        ((169, 0, 209, 100), 0.6, False),
        ((95, 0, 194, 100), 0.6, True),  # smaller than half of it
        ((95, 0, 196, 102), 0.6, False),
        ((150, 0, 190, 100), 0.21, True),
        ((150, 0, 190, 100), 0.19, False),
        ((150, 0, 190, 39), 0.6, False),  # wider than high: nobody who could be in a group
    ],
)
def test_two_people_make_a_group_if_they_lie_in_it_and_are_believed(
    other: Box, score: float, is_group: bool
) -> None:
    found = seen((0, 0, 200, 100), (10, 0, 50, 100), other)
    found = replace(found, scores=np.array([0.6, 0.6, score], np.float32))
    assert is_nobody(found)[0] == is_group


def test_a_lorry_may_be_as_large_as_it_likes() -> None:
    assert not is_nobody(seen(HALF, class_id=8)).any()


def frames(tracker: CameraTracker, count: int = 10) -> list[TrackedFrame]:
    told = [tracker.update(seen(AROUND, *CROWD, at_s=n / 5)) for n in range(count)]
    return [frame for frame in told if frame is not None]


def test_nobody_gets_no_number_and_is_counted() -> None:
    """Before: an offence could be opened on a box around a crowd, whose foot is in everybody's zone."""
    told = frames(CameraTracker(5, 0.3))
    assert len(told[-1]) == len(CROWD)
    assert not (told[-1].boxes_xyxy[:, 2] - told[-1].boxes_xyxy[:, 0] > 100).any()
    assert [frame.boxes_left_out for frame in told] == list(range(1, 11))


def test_the_count_lasts_through_a_restart_and_goes_with_the_cameras_news() -> None:
    tracker = CameraTracker(5, 0.3)
    frames(tracker)
    logic = TrackLogic(lambda camera_id: CameraTracker(5, 0.3), tracker.save())
    notice = CameraNotice("north", "ended", None, seen().frame.captured_at, ReadCounts(), 2.0)
    (told,), _ = logic.on_batch([notice])
    assert isinstance(told, CameraNotice) and told.boxes_left_out == 10


@dataclass(frozen=True)
class EarlierState:
    """As versions wrote it that left no box out."""

    subjects: SubjectState
    last_at: datetime | None
    run: str


def test_a_state_of_a_version_that_left_none_out_is_read() -> None:
    tracker = CameraTracker(5, 0.3)
    frames(tracker)
    state = TRACKER_FORMAT.restore(tracker.save())
    earlier = EarlierState(state.subjects, state.last_at, state.run)
    again = CameraTracker(5, 0.3)
    again.restore(StateFormat[EarlierState](EarlierState).save(earlier))
    assert again.boxes_left_out == 0
    (frame,) = frames(again, 11)
    assert len(frame) == len(CROWD), "the numbers go on"


@pytest.mark.parametrize("count", [0, 3])
def test_empty_frames_and_few_boxes_are_no_matter(count: int) -> None:
    assert is_nobody(seen(*CROWD[:count])).tolist() == [False] * count


def test_an_event_tells_the_count_where_there_is_one() -> None:
    told = CameraChanged(
        site_id="square",
        camera_id="north",
        status="ended",
        reason="",
        frames_read=50,
        frames_put_aside=0,
        boxes_left_out=10,
    )
    assert "10 boxes left out that nobody can be" in describe(told)
    none = told.model_copy(update={"boxes_left_out": 0})
    assert "left out" not in describe(none) and "boxes_left_out" not in none.model_dump()
