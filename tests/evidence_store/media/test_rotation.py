"""Test footage that is stored on its side: boxes of the upright picture fit wherever pixels are looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from footage_files import cut_clip
from turned_footage import HEIGHT_PX, WIDTH_PX, found_block, make_turned, shown_block

from evidence_store.media.frame_sampling import frames_between, spread_frames
from evidence_store.media.reencode import encode_changed
from evidence_store.media.stills import grab_frame
from evidence_store.recordings.footage import find_footage
from evidence_store.recordings.footage_clips import cut_footage
from evidence_store.recordings.recorder import SegmentRecorder
from flows.sources.sampler import DETECTOR_SIDE_PX, Sampler

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TURNS = (0, 90, 180, 270)


def upright_size(degrees: int) -> tuple[int, int]:
    return (HEIGHT_PX, WIDTH_PX) if degrees % 180 == 0 else (WIDTH_PX, HEIGHT_PX)


def check(picture: np.ndarray, degrees: int) -> None:
    assert picture.shape[:2] == upright_size(degrees)
    assert found_block(picture) == pytest.approx(shown_block(degrees), abs=2)


@pytest.mark.parametrize("degrees", TURNS)
def test_stills_and_clips_of_it_are_upright(degrees: int, tmp_path: Path) -> None:
    source = make_turned(tmp_path / "turned.mp4", degrees)
    cut = cut_clip(source, 1.0, 3.0, tmp_path / "clip.mp4").path
    for path in (source, cut):  # the clip is the camera's own bits, and keeps the note to turn it
        check(grab_frame(path, 1.0), degrees)
        check(next(iter(spread_frames(path, 2))), degrees)
        check(next(iter(frames_between(path, 0.5, 1.0, 0.1)))[1], degrees)


@pytest.mark.parametrize("degrees", TURNS)
def test_a_mask_hides_what_its_box_is_about(degrees: int, tmp_path: Path) -> None:
    source = make_turned(tmp_path / "turned.mp4", degrees)
    x1, y1, x2, y2 = shown_block(degrees)
    seen: list[np.ndarray] = []

    def mask(_: float, picture: np.ndarray) -> np.ndarray:
        seen.append(picture)
        covered = picture.copy()
        covered[y1:y2, x1:x2] = 0
        return covered

    encode_changed(source, tmp_path / "masked.mp4", mask)
    check(seen[0], degrees)
    masked = grab_frame(tmp_path / "masked.mp4", 1.0)
    assert masked.shape[:2] == upright_size(degrees) and masked.max() < 64


@pytest.mark.parametrize("degrees", TURNS)
def test_the_detector_sees_it_the_same_way(degrees: int, tmp_path: Path) -> None:
    source = make_turned(tmp_path / "turned.mp4", degrees)
    with av.open(str(source)) as container:
        frame = next(container.decode(video=0))
    sampled = Sampler("gate", 5.0).sample(frame, Fraction(1, 10), 0.0, START)
    height, width = upright_size(degrees)
    assert (sampled.stamp.height_px, sampled.stamp.width_px) == (height, width)
    to_pixels = np.array([width, height, width, height]) / DETECTOR_SIDE_PX
    seen = np.array(found_block(sampled.image_rgb)) * to_pixels
    assert seen == pytest.approx(shown_block(degrees), abs=2)


@pytest.mark.parametrize("degrees", (90, 270))
def test_a_recording_of_it_keeps_the_note(degrees: int, tmp_path: Path) -> None:
    source = make_turned(tmp_path / "turned.mp4", degrees)
    recorder = SegmentRecorder(tmp_path / "recordings", "gate", segment_s=1.0)
    with av.open(str(source)) as container:
        for packet in container.demux(video=0):
            at_s = float((packet.pts or 0) * packet.time_base) if packet.time_base else 0.0
            recorder.write(packet, START + timedelta(seconds=at_s))
    recorder.close()
    found = find_footage(
        tmp_path / "recordings", "gate", START + timedelta(seconds=1), START + timedelta(seconds=2)
    )
    (clip,) = cut_footage(found, tmp_path, "clip")
    check(grab_frame(clip.cut.path, 0.5), degrees)
