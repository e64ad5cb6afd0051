"""Where a clip shows what was seen: by the camera's own timestamps, checked by the clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.events.catalog import OutcomeData
from evidence_store.vault.clip_times import ClipTimes
from tests.support.example_events import one_of_each

OUTCOME = next(event.data for event in one_of_each() if isinstance(event.data, OutcomeData))
FIRST = OUTCOME.first_sighting


def story(**changes: Any) -> dict[str, Any]:
    """Tell of a clip of 20 s that begins 3 s before the first sighting."""
    begins = FIRST.at - timedelta(seconds=3)
    clip = {
        "name": "clip.mp4",
        "from_at": begins.isoformat(),
        "to_at": (begins + timedelta(seconds=20)).isoformat(),
        "packets": 500,
        "stream_s": str(FIRST.media_time_s - 3),
    }
    return {"clips": [clip | changes]}


def times_of(told: dict[str, Any]) -> ClipTimes:
    times = ClipTimes.of(told, OUTCOME, "clip.mp4")
    assert times is not None
    return times


def test_a_sighting_is_found_by_its_own_timestamp() -> None:
    assert times_of(story()).media_time_s(FIRST) == pytest.approx(3.0, abs=0.01)
    assert times_of(story()).fps == 25.0


def test_what_came_before_or_after_the_clip_is_not_in_it() -> None:
    for off_s in (1.0, -21.0):
        moved = story(stream_s=str(FIRST.media_time_s + off_s))
        assert times_of(moved).media_time_s(FIRST) is None


def test_another_run_of_the_stream_fits_by_chance_only() -> None:
    later = FIRST.at + timedelta(hours=1)
    other = story(from_at=later.isoformat(), to_at=(later + timedelta(seconds=20)).isoformat())
    assert times_of(other).media_time_s(FIRST) is None


def test_a_clip_that_the_numbers_do_not_tell_of_has_no_times() -> None:
    assert ClipTimes.of({}, OUTCOME, "clip.mp4") is None
    assert ClipTimes.of(story(), OUTCOME, "clip-2.mp4") is None
