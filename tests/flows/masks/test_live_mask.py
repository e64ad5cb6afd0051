"""Live tiles: who was found, and whatever is not the empty scene, is hidden."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import pytest

from domain.detections import Detections
from domain.frames import FrameStamp
from flows.masks.live import LiveMask, mask_whole

START = datetime(2026, 3, 2, tzinfo=UTC)
WIDE, HIGH = 640, 480
# as a walker of 90 pixels: dark above, light below, with a face
BODY = (300, 200, 336, 290)


def _scene() -> np.ndarray:
    """Draw a place with detail in it: squares of 20 pixels."""
    squares = np.random.default_rng(3).integers(60, 200, (HIGH // 20, WIDE // 20, 3))
    return squares.astype(np.uint8).repeat(20, axis=0).repeat(20, axis=1)


def _with_somebody(scene: np.ndarray, box: tuple[int, int, int, int] = BODY) -> np.ndarray:
    picture = scene.copy()
    x1, y1, x2, y2 = box
    stripes = np.random.default_rng(5).integers(0, 2, (y2 - y1, x2 - x1, 1)) * 250
    picture[y1:y2, x1:x2] = stripes.astype(np.uint8)
    return picture


class _Camera:
    """Plays a camera that is looked at twice a second."""

    def __init__(self) -> None:
        self.mask, self.looks = LiveMask(), 0

    def sees(self, picture: np.ndarray, *boxes: tuple[int, ...], score: float = 0.6) -> np.ndarray:
        at = START + timedelta(seconds=0.5 * self.looks)
        self.looks += 1
        stamp = FrameStamp("gate", self.looks, Fraction(1, 5), 0.0, at, 2 * WIDE, 2 * HIGH)
        found = 2 * np.array(boxes, np.float32).reshape(-1, 4)
        seen = Detections(
            stamp, found, np.full(len(found), score, np.float32), np.ones(len(found), np.int64)
        )
        self.mask.look(seen)
        return self.mask.mask(picture)

    def sees_for(self, seconds: float, picture: np.ndarray, *boxes: tuple[int, ...]) -> np.ndarray:
        for _ in range(round(2 * seconds)):
            shown = self.sees(picture, *boxes)
        return shown


@pytest.fixture
def camera() -> _Camera:
    return _Camera()


def _is_hidden(shown: np.ndarray, picture: np.ndarray, box: tuple[int, ...] = BODY) -> bool:
    """Tell whether nothing finer than flat blocks is left within the box."""
    x1, y1, x2, y2 = box
    before, after = (each[y1:y2, x1:x2].astype(float) for each in (picture, shown))
    detail = np.abs(np.diff(before, axis=1)).mean()
    return bool(np.abs(np.diff(after, axis=1)).mean() < 0.2 * detail)


def test_before_the_scene_is_known_everything_is_coarse(camera):
    scene = _scene()
    shown = camera.sees_for(5, scene)
    assert camera.mask.is_learning
    assert np.array_equal(shown, mask_whole(scene))
    assert _is_hidden(camera.sees(_with_somebody(scene)), _with_somebody(scene))


def test_the_empty_scene_is_shown_as_it_is(camera):
    scene = _scene()
    camera.sees_for(12, scene)
    assert not camera.mask.is_learning
    assert np.array_equal(camera.sees(scene), scene)


def test_who_is_found_is_hidden_and_the_place_is_not(camera):
    scene = _scene()
    camera.sees_for(12, scene)
    picture = _with_somebody(scene)
    shown = camera.sees(picture, BODY)
    assert _is_hidden(shown, picture)
    assert np.array_equal(shown[:, :150], scene[:, :150])


def test_whom_no_detector_finds_is_hidden_as_well(camera):
    scene = _scene()
    camera.sees_for(12, scene)
    picture = _with_somebody(scene)
    assert _is_hidden(camera.sees(picture), picture)
    # also when they stand there for four minutes
    assert _is_hidden(camera.sees_for(240, picture), picture)


def test_who_was_found_a_moment_ago_stays_hidden_even_before_anything_is_known(camera):
    picture = _with_somebody(_scene())
    camera.sees_for(15, picture, BODY)  # somebody who stood there from the first picture on
    assert not camera.mask.is_learning
    assert _is_hidden(camera.sees(picture), picture)
    assert _is_hidden(camera.sees_for(5, picture), picture)


def test_something_that_stays_belongs_to_the_scene_after_minutes(camera):
    scene = _scene()
    camera.sees_for(12, scene)
    parked = _with_somebody(scene)
    shown = camera.sees_for(320, parked)
    assert np.array_equal(shown, parked)


def test_a_camera_that_is_turned_begins_anew(camera):
    camera.sees_for(12, _scene())
    turned = 255 - np.flip(_scene(), axis=1)
    shown = camera.sees_for(2, turned)
    assert camera.mask.is_learning
    assert np.array_equal(shown, mask_whole(turned))
    assert np.array_equal(camera.sees_for(12, turned), turned)


def test_light_that_changes_everywhere_hides_nothing(camera):
    scene = _scene()
    camera.sees_for(12, scene)
    brighter = scene + np.uint8(30)
    assert np.array_equal(camera.sees(brighter), brighter)
