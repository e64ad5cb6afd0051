"""What hides a part of the view is noticed where it is; vehicles, people, lamps and shadows are none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
import tampering

from benchmarks.tampering import HARMLESS, PARTLY, darkened
from domain.frames import SampledFrame
from domain.saved_state import StateFormat
from flows.camera_health.hidden_parts import HiddenState
from flows.camera_health.picture_health import HealthState, PictureHealth
from flows.detection.picture_digest import look_at

FROM_S, TO_S, UNTIL_S = 8.0, 15.0, 20.0
FORMAT: StateFormat[HealthState] = StateFormat(HealthState)


@pytest.fixture(scope="module")
def frames(sample_clip: Path) -> list[SampledFrame]:
    return list(tampering.read_frames(sample_clip, 2.5, UNTIL_S))


def judge(
    frames: Iterable[SampledFrame],
    health: PictureHealth | None = None,
    occupied: np.ndarray | None = None,
) -> list[tuple[float, np.ndarray]]:
    """(seconds, hidden cells) after each picture."""
    health = health or PictureHealth()
    told = []
    for frame in frames:
        assert health.step(look_at(frame.image_rgb), frame.stamp.captured_at, "", occupied) == ()
        told.append((frame.stamp.media_time_s, health.hidden.copy()))
    return told


def cells_changed(change: tampering.Change) -> np.ndarray:
    """Where the change shows, (20, 20) bool."""
    black, white = np.zeros((300, 300, 3), np.uint8), np.full((300, 300, 3), 255, np.uint8)
    kept = change(white, 0.0).astype(float).mean(axis=2) - change(black, 0.0).mean(axis=2)
    share = cv2.resize(kept.astype(np.float32), (20, 20), interpolation=cv2.INTER_AREA) / 255
    return np.asarray(share < 0.97)


def in_dusk(frame: SampledFrame) -> SampledFrame:
    return replace(frame, image_rgb=darkened(frame.image_rgb, frame.stamp.media_time_s))


@pytest.mark.parametrize("is_dusk", [False, True])
@pytest.mark.parametrize("name", PARTLY)
def test_what_hides_a_part_is_noticed_there_within_5_s_and_taken_back(
    frames: list[SampledFrame], name: str, is_dusk: bool
) -> None:
    shown = [in_dusk(frame) for frame in frames] if is_dusk else frames
    told = judge(tampering.tamper(shown, PARTLY[name], FROM_S, TO_S))
    noticed_s = min(at_s for at_s, hidden in told if hidden.any())
    assert FROM_S < noticed_s <= FROM_S + 5
    assert not any(hidden.any() for at_s, hidden in told if at_s > TO_S + 4)
    _, hidden = max(told, key=lambda each: each[1].sum())
    if name != "a drop":  # it shows black and white as they are
        there = cells_changed(PARTLY[name])
        assert (hidden & ~there).sum() <= 0.1 * hidden.sum()
        assert (hidden & there).sum() >= 0.3 * there.sum()


def test_nothing_is_hidden_on_sound_footage_whatever_the_light(frames: list[SampledFrame]) -> None:
    for name, change in HARMLESS.items():
        told = judge(tampering.tamper(frames, change, FROM_S, UNTIL_S))
        assert not any(hidden.any() for _, hidden in told), name


def van(picture: np.ndarray, since_s: float) -> np.ndarray:
    """Lay a van over the picture: plain panels, and edges of its own all around and within."""
    noise = np.random.default_rng(int(1000 * since_s)).normal(0, 1, (75, 120, 3))
    body = np.full((75, 120, 3), 205.0) + noise
    cv2.rectangle(body, (8, 8), (42, 34), (40, 44, 52), -1)
    cv2.rectangle(body, (52, 8), (84, 34), (48, 52, 60), -1)
    cv2.rectangle(body, (88, 4), (112, 70), (185, 185, 190), 2)
    cv2.line(body, (0, 46), (119, 46), (120, 120, 130), 2)
    for x in (24, 92):
        cv2.circle(body, (x, 70), 12, (25, 25, 25), -1)
        cv2.circle(body, (x, 70), 5, (150, 150, 150), -1)
    picture[180:255, 90:210] = np.clip(body, 0, 255)
    return picture


def test_a_van_that_parks_or_leaves_hides_nothing(frames: list[SampledFrame]) -> None:
    for from_s, to_s in [(FROM_S, UNTIL_S), (0.0, 12.0)]:
        told = judge(tampering.tamper(frames, van, from_s, to_s))
        assert not any(hidden.any() for _, hidden in told), from_s


def test_a_cell_in_which_somebody_is_seen_is_not_judged(frames: list[SampledFrame]) -> None:
    leaf = PARTLY["a leaf"]
    told = judge(tampering.tamper(frames, leaf, FROM_S, TO_S), occupied=cells_changed(leaf))
    assert not any(hidden.any() for _, hidden in told)


def test_it_looks_hidden_from_its_first_picture_and_never_becomes_usual(
    frames: list[SampledFrame],
) -> None:
    health = PictureHealth()
    judge((frame for frame in frames if frame.stamp.media_time_s < FROM_S), health)
    assert not health.doubted.any()
    last = frames[-1].stamp.captured_at
    covered = [look_at(PARTLY["a sprayed patch"](frames[30].image_rgb.copy(), s)) for s in range(4)]
    first = frames[20].stamp.captured_at
    health.step(covered[0], first)
    assert health.doubted.any() and not health.hidden.any()
    for n in range(400):
        health.step(covered[n % 4], last + n * timedelta(seconds=0.4))
    assert health.hidden.sum() >= 10


def test_a_restart_in_the_middle_changes_nothing(frames: list[SampledFrame]) -> None:
    whole, pieces = PictureHealth(), PictureHealth()
    for frame in tampering.tamper(frames, PARTLY["half covered"], FROM_S, TO_S):
        look, at = look_at(frame.image_rgb), frame.stamp.captured_at
        whole.step(look, at)
        pieces.step(look, at)
        pieces = PictureHealth(FORMAT.restore(FORMAT.save(pieces.state)))
        assert np.array_equal(whole.hidden, pieces.hidden)
        assert np.array_equal(whole.doubted, pieces.doubted)


def test_a_digest_of_before_is_passed_over(frames: list[SampledFrame]) -> None:
    health = PictureHealth()
    health.step(replace(look_at(frames[0].image_rgb), detail=None), frames[0].stamp.captured_at)
    assert health.state.parts.usual is None
    assert HiddenState().usual is None
