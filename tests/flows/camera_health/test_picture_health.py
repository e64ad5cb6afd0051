"""Tampering is noticed within 5 s and taken back when it ends; light and passers-by are none."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import tampering
from people import BEGAN

from domain.fitness import Unfit
from domain.frames import SampledFrame
from flows.camera_health.picture_health import HealthState, PictureHealth
from flows.detection.picture_digest import PictureDigester, look_at

FROM_S, TO_S, UNTIL_S = 12.0, 24.0, 32.0
Changes = list[tuple[float, tuple[str, ...]]]


@pytest.fixture(scope="module")
def frames(sample_clip: Path) -> list[SampledFrame]:
    return list(tampering.read_frames(sample_clip, 5, UNTIL_S))


def judge(frames: Iterable[SampledFrame], health: PictureHealth | None = None) -> Changes:
    """(seconds, faults) whenever they change."""
    health, looker = health or PictureHealth(), PictureDigester()
    changes: Changes = []
    for frame in frames:
        if (look := looker.look(frame)) is None:
            continue
        faults = tuple(fault.value for fault in health.step(look, frame.stamp.captured_at))
        if faults != (changes[-1][1] if changes else ()):
            changes.append((frame.stamp.media_time_s, faults))
    return changes


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (tampering.black, Unfit.COVERED),
        (tampering.behind_a_hand, Unfit.COVERED),
        (tampering.mostly_covered, Unfit.COVERED),
        (tampering.blurred, Unfit.OUT_OF_FOCUS),
        (tampering.shifted, Unfit.TURNED_AWAY),
        (tampering.rotated, Unfit.TURNED_AWAY),
        (tampering.Frozen(), Unfit.FROZEN),
    ],
)
def test_tampering_is_noticed_within_5_s_and_taken_back(
    frames: list[SampledFrame], change: tampering.Change, fault: Unfit
) -> None:
    changes = judge(tampering.tamper(frames, change, FROM_S, TO_S))
    assert [faults for _, faults in changes] == [(fault.value,), ()]
    (noticed_s, _), (recovered_s, _) = changes
    assert FROM_S < noticed_s <= FROM_S + 5
    assert TO_S < recovered_s <= TO_S + 5


@pytest.mark.parametrize(
    "change", [tampering.dimming, tampering.lamp_switched, tampering.lorry_parked]
)
def test_light_and_large_things_are_no_tampering(
    frames: list[SampledFrame], change: tampering.Change
) -> None:
    assert judge(tampering.tamper(frames, change, FROM_S, UNTIL_S)) == []


def test_footage_that_nobody_tampered_with_gives_no_fault(frames: list[SampledFrame]) -> None:
    assert judge(frames) == []


def test_a_lens_that_is_covered_from_the_first_frame_is_noticed(
    frames: list[SampledFrame],
) -> None:
    changes = judge(tampering.tamper(frames, tampering.black, 0, 10))
    assert [faults for _, faults in changes] == [("picture-covered",), ()]


def test_something_wrong_is_in_doubt_from_its_first_picture(frames: list[SampledFrame]) -> None:
    health = PictureHealth()
    judge((frame for frame in frames if frame.stamp.media_time_s < FROM_S), health)
    assert not health.is_in_doubt
    black = tampering.black(frames[0].image_rgb, 0)
    assert health.step(look_at(black), frames[60].stamp.captured_at) == ()
    assert health.is_in_doubt


def test_a_view_that_changed_for_good_never_becomes_usual(frames: list[SampledFrame]) -> None:
    health = PictureHealth()
    judge((frame for frame in frames if frame.stamp.media_time_s < FROM_S), health)
    moved = look_at(tampering.shifted(frames[60].image_rgb.copy(), 0))
    for minute in range(1, 4):
        for n in range(20):  # noise keeps the picture from being frozen
            at = BEGAN + timedelta(minutes=minute, seconds=n / 2)
            noisy = moved.layout.copy()
            noisy[0, 0] ^= n % 2
            faults = health.step(type(moved)(noisy, moved.sharpness), at)
    assert faults == (Unfit.TURNED_AWAY,)


def test_the_state_survives_pickling_in_the_middle_and_stays_small(
    frames: list[SampledFrame],
) -> None:
    tampered = list(tampering.tamper(frames, tampering.blurred, FROM_S, TO_S))
    first, second = PictureHealth(), PictureHealth()
    looks = [(look_at(f.image_rgb), f.stamp.captured_at) for f in tampered[::2]]
    for look, at in looks:
        saved = pickle.dumps(second.state)
        second = PictureHealth(pickle.loads(saved))
        assert first.step(look, at) == second.step(look, at)
    assert len(saved) < 28_000


def test_a_picture_that_was_seen_before_changes_nothing(frames: list[SampledFrame]) -> None:
    health = PictureHealth()
    look, at = look_at(frames[0].image_rgb), frames[0].stamp.captured_at
    health.step(look, at)
    before = pickle.dumps(health.state)
    black = look_at(np.zeros((300, 300, 3), np.uint8))
    for earlier in (at, at - timedelta(seconds=9)):
        assert health.step(black, earlier) == ()
    assert pickle.dumps(health.state) == before


def test_silence_between_two_dark_pictures_is_no_proof(frames: list[SampledFrame]) -> None:
    health = PictureHealth()
    black = look_at(tampering.black(frames[0].image_rgb, 0))
    at: datetime = frames[0].stamp.captured_at
    assert health.step(black, at) == ()
    assert health.step(black, at + timedelta(minutes=5)) == ()
    assert health.step(black, at + timedelta(minutes=5, seconds=2)) == (Unfit.COVERED,)
    assert HealthState().faults == ()


def test_looks_are_chosen_by_the_frames_own_times(frames: list[SampledFrame]) -> None:
    looker = PictureDigester()
    taken = [frame.stamp.media_time_s for frame in frames[:50] if looker.look(frame)]
    assert taken == pytest.approx([n * 0.4 for n in range(25)], abs=0.11)
