"""A box whose lower part is hidden says nothing of where somebody stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from people import stamp

from domain.detections import Detections
from flows.tracking.feet import Feet
from flows.tracking.track import TRACKER_FORMAT, CameraTracker

Edges = tuple[float, float]  # top, bottom
WHOLE: Edges = (100.0, 180.0)
CUT: Edges = (101.0, 140.0)


def seen(edges: Iterable[Edges], fps: float = 5) -> Feet:
    feet = Feet()
    for n, (top, bottom) in enumerate(edges):
        feet.see(n / fps, top, bottom)
    return feet


def test_where_the_feet_are_is_known_of_the_height_before() -> None:
    feet = seen([WHOLE] * 10 + [CUT] * 5)
    assert feet.bottom_of(*CUT) == pytest.approx(181, abs=2)


def test_a_whole_box_ends_at_the_feet() -> None:
    feet = seen([WHOLE] * 10 + [CUT] * 5 + [WHOLE])
    assert feet.bottom_of(*WHOLE) == 180


@pytest.mark.parametrize(
    "edges",
    [
        [(100 + 4.0 * n, 180.0) for n in range(10)],  # crouches: the feet stay
        [(100 - 2.0 * n, 180 - 4.0 * n) for n in range(20)],  # walks away
        [(100.0, 180.0), (100.0, 150.0)] * 3 + [(60.0, 100.0)] * 5,  # another one's box
    ],
    ids=["crouches", "walks away", "elsewhere"],
)
def test_who_only_looks_smaller_stands_where_the_box_ends(edges: list[Edges]) -> None:
    feet = seen([WHOLE] * 10 + edges)
    assert feet.bottom_of(*edges[-1]) == edges[-1][1]


def test_after_long_a_box_is_as_high_as_it_is() -> None:
    assert seen([WHOLE] * 10 + [CUT] * 50).bottom_of(*CUT) > 170
    assert seen([WHOLE] * 10 + [CUT] * 52).bottom_of(*CUT) == 140


@pytest.mark.parametrize("fps", [2, 5, 25])
def test_the_tracker_tells_of_whom_the_feet_are_hidden(fps: int) -> None:
    edges: Callable[[float], Edges] = lambda at_s: CUT if 4 <= at_s < 6 else WHOLE  # noqa: E731
    tracker, hidden = CameraTracker(fps, 0.3), []
    for n in range(8 * fps):
        top, bottom = edges(n / fps)
        frame = tracker.update(
            Detections(
                stamp(n / fps),
                np.array([[100, top, 130, bottom]], np.float32),
                np.array([0.9], np.float32),
                np.array([1]),
            )
        )
        if n == 5 * fps:
            saved = tracker.save()
            tracker = CameraTracker(fps, 0.3)
            tracker.restore(saved)
            assert TRACKER_FORMAT.restore(saved).subjects.here[0].feet.hidden_since_s is not None
        if frame is not None and len(frame):
            assert frame.feet_y is not None
            if frame.feet_y[0] > frame.boxes_xyxy[0, 3] + 10:
                hidden.append(n / fps)
    assert hidden and 4 <= min(hidden) <= 4.5 and 5.5 <= max(hidden) < 6
