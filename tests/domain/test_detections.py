"""Arrays that do not belong together are put aside where they are made."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.detections import Detections
from domain.errors import PutAside
from domain.frames import FrameStamp
from domain.tracks import TrackedFrame

STAMP = FrameStamp("gate", 1, Fraction(1, 25), 0.04, datetime(2026, 3, 2, 8, tzinfo=UTC), 768, 576)
counts = st.integers(0, 5)


def detections(n: int, boxes: tuple[int, ...], classes: tuple[int, ...]) -> Detections:
    return Detections(
        STAMP,
        np.zeros(boxes, np.float32),
        np.zeros(n, np.float32),
        np.ones(classes, np.int64),
    )


@given(counts)
def test_as_many_boxes_and_classes_as_scores_are_taken(n: int) -> None:
    assert len(detections(n, (n, 4), (n,))) == n


@given(n=counts, boxes=counts, sides=st.integers(0, 12), classes=counts)
def test_other_shapes_are_put_aside_and_the_camera_is_named(
    n: int, boxes: int, sides: int, classes: int
) -> None:
    if (boxes, sides, classes) == (n, 4, n):
        assert len(detections(n, (boxes, sides), (classes,))) == n
        return
    with pytest.raises(PutAside, match=r"gate: boxes should be .* got"):
        detections(n, (boxes, sides), (classes,))


@pytest.mark.parametrize(
    ("boxes", "classes"), [((4, 2), (2,)), ((2, 4), (2, 1)), ((8,), (2,)), ((2, 4, 1), (2,))]
)
def test_turned_or_nested_arrays_are_put_aside(
    boxes: tuple[int, ...], classes: tuple[int, ...]
) -> None:
    with pytest.raises(PutAside, match="match its registry entry"):
        detections(2, boxes, classes)


@given(n=counts, described=counts)
def test_every_box_is_described_or_none(n: int, described: int) -> None:
    arrays = np.zeros((n, 4), np.float32), np.zeros(n, np.float32), np.ones(n, np.int64)
    appearances = np.zeros((described, 256), np.float16)
    if described == n:
        assert Detections(STAMP, *arrays, appearances=appearances).appearances is appearances
        return
    with pytest.raises(PutAside, match=f"{n} scores need {n} rows of appearances, got {described}"):
        Detections(STAMP, *arrays, appearances=appearances)


@given(counts)
def test_a_tracked_frame_counts_its_subjects_and_may_be_empty(n: int) -> None:
    frame = TrackedFrame(
        STAMP,
        np.zeros((n, 4), np.float32),
        np.zeros(n, np.float32),
        np.ones(n, np.int64),
        np.arange(1, n + 1),
    )
    assert len(frame) == n
    assert frame.links == () and frame.sight.faults == () and not frame.sight.is_in_doubt
