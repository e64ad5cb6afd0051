"""Views: parts of the picture shown to the detector instead of the whole."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from fake_detector import FakeDetector, paint_person
from hypothesis import given
from hypothesis import strategies as st
from people import BEGAN, stamp

from domain.detections import Detections
from domain.frames import CloseLook, SampledFrame
from flows.detection.detect import DetectStep
from flows.detection.zoomed_views import detect_closely
from flows.sources.sampler import Sampler
from flows.sources.view_cropper import ViewCropper

WHOLE = np.zeros((300, 300, 3), np.uint8)
LEFT, RIGHT = (0, 100, 400, 400), (300, 100, 400, 400)  # left, top, width, height; 100 shared


def frame_with(*views: tuple[int, int, int, int], people: Sequence[Sequence[int]]) -> SampledFrame:
    """Make a frame of which each view shows the people (pixels of a 768x576 frame) as far as they are in it."""
    looks = []
    for left, top, width, height in views:
        picture = WHOLE.copy()
        for x1, y1, x2, y2 in people:
            across = np.clip([(x1 - left) * 300 / width, (x2 - left) * 300 / width], 0, 300)
            down = np.clip([(y1 - top) * 300 / height, (y2 - top) * 300 / height], 0, 300)
            if across[1] > across[0] and down[1] > down[0]:
                box = (round(across[0]), round(down[0]), round(across[1]), round(down[1]))
                paint_person(picture, box)
        looks.append(CloseLook(left, top, width, height, picture))
    return SampledFrame(stamp(0.0), WHOLE, tuple(looks))


def test_boxes_of_a_view_are_pixels_of_the_whole_frame() -> None:
    frame = frame_with(LEFT, people=[(100, 200, 140, 300)])
    (seen,) = detect_closely(FakeDetector().detect, [frame])
    assert seen.frame == frame.stamp
    assert np.allclose(seen.boxes_xyxy, [[100, 200, 140, 300]], atol=2)
    assert seen.looked_at_xyxy is not None
    assert seen.looked_at_xyxy.tolist() == [[0, 100, 400, 500]]


def test_somebody_in_two_views_is_one() -> None:
    frame = frame_with(LEFT, RIGHT, people=[(330, 200, 370, 300)])
    (seen,) = detect_closely(FakeDetector().detect, [frame])
    assert np.allclose(seen.boxes_xyxy, [[330, 200, 370, 300]], atol=2)


def test_of_somebody_cut_by_a_view_the_other_view_s_whole_box_is_kept() -> None:
    frame = frame_with(LEFT, RIGHT, people=[(390, 200, 450, 300)])  # 10 px of them in the left one
    (seen,) = detect_closely(FakeDetector().detect, [frame])
    assert np.allclose(seen.boxes_xyxy, [[390, 200, 450, 300]], atol=2)


def test_somebody_cut_by_the_only_view_is_still_seen() -> None:
    frame = frame_with(LEFT, people=[(380, 200, 440, 300)])
    (seen,) = detect_closely(FakeDetector().detect, [frame])
    assert np.allclose(seen.boxes_xyxy, [[380, 200, 400, 300]], atol=2)


def test_cameras_with_and_without_views_share_a_batch_and_keep_their_order() -> None:
    plain = SampledFrame(stamp(0.2, "south"), WHOLE.copy())
    paint_person(plain.image_rgb, (10, 20, 40, 90))
    close = frame_with(LEFT, RIGHT, people=[(100, 200, 140, 300), (600, 200, 640, 300)])
    out = DetectStep(FakeDetector(), threading.Event(), waits=True)([plain, close, plain])
    assert [len(each) for each in out if isinstance(each, Detections)] == [1, 2, 1]
    assert [each.frame for each in out if isinstance(each, Detections)] == [
        plain.stamp,
        close.stamp,
        plain.stamp,
    ]


def test_the_picture_s_health_is_judged_by_the_whole_picture() -> None:
    close = frame_with(LEFT, people=[(100, 200, 140, 300)])
    bright = replace(close, image_rgb=np.full_like(WHOLE, 200))
    (seen,) = DetectStep(FakeDetector(), threading.Event(), waits=True)([bright])
    assert isinstance(seen, Detections) and seen.look is not None
    assert (seen.look.layout == 200).all()


def gradient(width: int, height: int) -> np.ndarray:
    """Red says how far right, green how far down."""
    across, down = np.linspace(0, 255, width), np.linspace(0, 255, height)
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0], picture[..., 1] = across[None], down[:, None]
    return picture


@pytest.mark.parametrize("pixel_format", ["rgb24", "yuv420p", "yuv444p"])
@given(
    view=st.tuples(st.floats(0, 0.4), st.floats(0, 0.4), st.floats(0.5, 1.0), st.floats(0.5, 1.0)),
    width=st.integers(64, 400),
    height=st.integers(64, 400),
)
def test_a_view_shows_its_part_of_the_picture(
    pixel_format: str, view: tuple[float, float, float, float], width: int, height: int
) -> None:
    frame = av.VideoFrame.from_ndarray(gradient(width, height), "rgb24")
    sampled = Sampler("north", 5, lambda *size_px: [view]).sample(
        frame.reformat(format=pixel_format), Fraction(1, 1000), 0.0, BEGAN
    )
    (look,) = sampled.close_looks
    left, top, right, bottom = (value * 255 for value in view)
    red, green = look.image_rgb[..., 0].astype(float), look.image_rgb[..., 1].astype(float)
    assert look.image_rgb.shape == (300, 300, 3)
    a_pixel = 3 * 255 / 64  # borders lie on even pixels
    assert abs(red[:, :3].mean() - left) < a_pixel and abs(red[:, -3:].mean() - right) < a_pixel
    assert abs(green[:3].mean() - top) < a_pixel and abs(green[-3:].mean() - bottom) < a_pixel
    assert look.left_px + look.width_px <= width and look.top_px + look.height_px <= height


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_view_of_a_picture_stored_sideways_is_of_the_upright_one(turns: int) -> None:
    upright = gradient(320, 240)
    stored = np.ascontiguousarray(np.rot90(upright, -turns))
    frame = av.VideoFrame.from_ndarray(stored, "rgb24")
    look = ViewCropper((0.0, 0.5, 0.25, 1.0), 300).look(frame, turns)
    assert (look.left_px, look.top_px, look.width_px, look.height_px) == (0, 120, 80, 120)
    assert look.image_rgb[..., 0].max() < 70  # the left quarter
    assert look.image_rgb[..., 1].min() > 120  # the lower half


def test_a_camera_that_changes_its_size_is_looked_at_all_the_same() -> None:
    sampler = Sampler("north", 5, lambda *size_px: [(0.5, 0.0, 1.0, 1.0)])
    for width, height in ((320, 240), (640, 480), (320, 240)):
        frame = av.VideoFrame.from_ndarray(gradient(width, height), "rgb24")
        (look,) = sampler.sample(frame, Fraction(1, 1000), 0.0, BEGAN).close_looks
        assert (look.left_px, look.width_px) == (width // 2, width // 2)
        assert look.image_rgb[..., 0].min() > 120
