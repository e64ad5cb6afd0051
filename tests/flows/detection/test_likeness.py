"""Likeness joins the detections, and never holds them up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from fake_likeness import FakeLikeness
from people import stamp
from plain_frames import detections, sampled

from domain.detections import Detections
from domain.errors import Stop, TryAgain
from domain.frames import CloseLook, SampledFrame
from flows.detection import likeness, likeness_views
from flows.detection.detect import DetectStep
from flows.detection.likeness import LikenessTaker, PersonDescriber, crop_of

BOXES = [(400.0, 200.0, 430.0, 280.0), (415.0, 200.0, 445.0, 280.0), (100.0, 200.0, 130.0, 280.0)]


class SeesTheSame:
    """A detector that sees one person alone and two who overlap."""

    def detect(self, frames: Sequence[SampledFrame]) -> list[Detections]:
        return [detections(f.stamp.media_time_s, BOXES, f.stamp.camera_id) for f in frames]


class Failing:
    """A likeness model that fails some times, then answers."""

    def __init__(self, times: int, error: Exception) -> None:
        self.left, self.error, self.asked, self.real = times, error, 0, FakeLikeness()

    def describe(self, crops_rgb: Sequence[np.ndarray]) -> np.ndarray:
        self.asked += 1
        if self.left:
            self.left -= 1
            raise self.error
        return self.real.describe(crops_rgb)


def step(find: Callable[[], PersonDescriber | None], *, waits: bool = True) -> DetectStep:
    return DetectStep(
        SeesTheSame(),
        threading.Event(),
        waits=waits,
        give_up_after_s=0.3,
        likeness=LikenessTaker(find),
    )


@pytest.fixture(autouse=True)
def _at_the_spot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask about people as soon as they are seen."""
    monkeypatch.setattr(likeness_views, "LEAST_AGE_S", 0.0)


def seen_by(detect: DetectStep, *times_s: float) -> list[Detections]:
    out = detect([sampled(at_s) for at_s in times_s])
    assert all(isinstance(each, Detections) for each in out)
    return out  # type: ignore[return-value]


def test_who_is_new_and_seen_clearly_gets_a_vector_and_nobody_else() -> None:
    model = FakeLikeness()
    first, soon, later = seen_by(step(lambda: model), 0, 0.2, 0.6)
    assert first.likeness is not None and first.likeness.dtype == np.float16
    assert first.likeness.shape == (3, 256)
    assert np.linalg.norm(first.likeness[2].astype(np.float32)) == pytest.approx(1, abs=1e-2)
    assert not first.likeness[:2].any()
    assert soon.likeness is None
    assert later.likeness is not None
    assert model.described == 2


def test_a_files_people_wait_for_a_server_that_is_away_and_are_still_new() -> None:
    model = Failing(2, TryAgain("nobody answers"))
    (seen,) = seen_by(step(lambda: model), 0)
    assert seen.likeness is not None and seen.likeness[2].any()
    assert model.asked == 3


def test_a_live_cameras_detections_come_without_when_the_server_stays_away() -> None:
    model = Failing(10**6, TryAgain("nobody answers"))
    detect = step(lambda: model, waits=False)
    (seen,) = seen_by(detect, 0)
    assert len(seen) == 3 and seen.likeness is None
    assert detect.frames_given_up == 0


@pytest.mark.parametrize("find", [lambda: None, lambda: Failing(10**6, Stop("no such shape"))])
def test_without_a_model_that_answers_people_are_seen_all_the_same(
    find: Callable[[], PersonDescriber | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, now_s = [], [1000.0]
    monkeypatch.setattr(likeness.time, "monotonic", lambda: now_s[0])

    def look() -> PersonDescriber | None:
        looked.append(now_s[0])
        return find()

    detect = step(look)
    for at_s in (0, 0.6, 1.2):
        (seen,) = seen_by(detect, at_s)
        assert len(seen) == 3 and seen.likeness is None
    assert looked == [1000.0]
    now_s[0] += likeness.LOOK_AGAIN_AFTER_S
    seen_by(detect, 1.8)
    assert len(looked) == 2


def painted() -> np.ndarray:
    """Paint a red person where the last box is, on a picture of 300 x 300."""
    image = np.zeros((300, 300, 3), np.uint8)
    image[104:146, 39:51] = (200, 30, 30)
    return image


def test_what_is_cut_out_is_the_person_and_nothing_else() -> None:
    crop = crop_of(SampledFrame(stamp(0), painted()), np.array(BOXES[2], np.float32))
    assert crop.shape == (42, 12, 3)
    assert (crop == (200, 30, 30)).all()


def test_it_is_cut_out_of_the_view_that_shows_it_whole_and_largest() -> None:
    box = np.array(BOXES[2], np.float32)
    views = [
        CloseLook(0, 0, 384, 384, np.full((300, 300, 3), 1, np.uint8)),
        CloseLook(0, 100, 300, 300, np.full((300, 300, 3), 2, np.uint8)),
        CloseLook(110, 100, 200, 200, np.full((300, 300, 3), 3, np.uint8)),
    ]
    crop = crop_of(SampledFrame(stamp(0), painted(), tuple(views)), box)
    assert (crop == 2).all() and crop.shape == (80, 30, 3)
    cut_by_all = [replace(view, left_px=120) for view in views]
    crop = crop_of(SampledFrame(stamp(0), painted(), tuple(cut_by_all)), box)
    assert (crop == (200, 30, 30)).all()


def test_a_box_that_reaches_beyond_the_picture_still_gives_pixels() -> None:
    frame = SampledFrame(stamp(0), painted())
    for box in ((-20, -20, -5, -5), (760, 570, 790, 600), (767.9, 0, 768, 576)):
        crop = crop_of(frame, np.array(box, np.float32))
        assert crop.shape[0] >= 1 and crop.shape[1] >= 1
