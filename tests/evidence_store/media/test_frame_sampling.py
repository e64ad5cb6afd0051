from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evidence_store.media.frame_sampling import frames_between, spread_frames
from evidence_store.media.stills import grab_frame


def test_frames_around_a_moment_are_the_clips_own_with_their_times(sample_clip: Path) -> None:
    found = list(frames_between(sample_clip, 19.6, 20.4, 0.4))
    assert [at_s for at_s, _ in found] == pytest.approx([19.6, 20.0, 20.4])
    assert np.array_equal(found[1][1], grab_frame(sample_clip, 20.0))


def test_a_stretch_before_the_start_begins_with_the_first_frame(sample_clip: Path) -> None:
    assert [at_s for at_s, _ in frames_between(sample_clip, -5, 0.35, 0.2)] == [0.0, 0.2]


def test_spread_frames_come_from_all_over_the_clip(footage_file: Path) -> None:
    few = list(spread_frames(footage_file, 5))
    assert 3 <= len(few) <= 15
    assert np.abs(few[0].astype(int) - few[-1]).mean() > 20, "its pictures get brighter"
