from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.errors import PutAside
from evidence_store.media.stills import (
    crop_box,
    decode_picture,
    encode_jpeg,
    grab_frame,
    grab_frame_and_time,
)


def test_the_frame_grabbed_is_the_one_on_screen(
    footage_file: Path, kind: Any, all_frames: list[tuple[int, np.ndarray]]
) -> None:
    stamps = [float((each - kind.stamps[0]) * kind.time_base) for each in kind.stamps]
    for number in (0, 1, 19, 20, 33, len(stamps) - 1):
        image, found_s = grab_frame_and_time(footage_file, stamps[number])
        assert found_s == pytest.approx(stamps[number], abs=2e-3)
        assert np.array_equal(image, all_frames[number][1])


def test_between_two_frames_the_earlier_one_is_on_screen(sample_clip: Path) -> None:
    assert np.array_equal(grab_frame(sample_clip, 12.34), grab_frame(sample_clip, 12.3))


def test_a_moment_before_the_first_frame_is_refused(sample_clip: Path) -> None:
    with pytest.raises(PutAside, match=r"-1\.000 s"):
        grab_frame(sample_clip, -1.0)


def test_a_picture_survives_jpeg(sample_clip: Path) -> None:
    image = grab_frame(sample_clip, 3.0)
    back = decode_picture(encode_jpeg(image), "still.jpg")
    assert back.shape == image.shape
    assert np.abs(back.astype(int) - image).mean() < 4


def test_what_is_no_picture_is_refused_by_name() -> None:
    for noise in (b"", b"GIF but not really"):
        with pytest.raises(PutAside, match=r"holiday\.jpg"):
            decode_picture(noise, "holiday.jpg")


def test_a_box_is_cut_to_the_picture_and_one_outside_is_refused() -> None:
    image = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)
    assert crop_box(image, (-5, -5, 4.2, 3.0)).shape == (3, 5, 3)
    with pytest.raises(PutAside, match="outside"):
        crop_box(image, (40, 0, 50, 10))
