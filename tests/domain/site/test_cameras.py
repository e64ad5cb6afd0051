"""A camera is live or a file, and a file's clock starts where the best source says."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from site_values import camera

from domain.site.cameras import event_time, media_start

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "is_live"),
    [
        ("rtsp://10.0.0.1/1", True),
        ("http://10.0.0.1/video", True),
        ("https://camera.example/1", True),
        ("clip.mp4", False),
        ("/srv/clips/clip.mp4", False),
        ("file:///srv/clip.mp4", False),
    ],
)
def test_a_stream_is_live_and_a_file_is_not(url: str, is_live: bool) -> None:
    assert camera(url=url).is_live == is_live


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stretch_s": [3, 3]}, "should end after it starts"),
        ({"url": "rtsp://x/1", "stretch_s": [0, 3]}, "a live stream has its own clock"),
        ({"url": "rtsp://x/1", "starts_at": "2026-03-02T08:00:00Z"}, "has its own clock"),
        ({"url": ""}, "at least 1 character"),
        ({"analyse_fps": 0}, "greater than 0"),
        ({"zones": [{"id": "a", "title": {"zh": "a", "en": "a"}, "polygon": [[0, 0], [1, 1]]}]}, "at least 3"),
        ({"lines": [{"id": "a", "title": {"zh": "a", "en": "a"}, "points": [[0, 0]]}]}, "at least 2"),
    ],
)  # fmt: skip
def test_a_camera_that_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        camera(**changes)


def test_the_best_clock_counts(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"")
    os.utime(path, (0, NOON.timestamp() + 0.75))
    created = NOON - timedelta(hours=1)
    given_at = "2026-03-02T08:00:00+08:00"
    assert media_start(camera(starts_at=given_at), path, created) == datetime(
        2026, 3, 2, tzinfo=UTC
    )
    assert media_start(camera(), path, created) == created
    assert media_start(camera(), path, None) == NOON, "to the second: copies lose the rest"


def test_a_file_that_is_needed_for_its_clock_and_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        media_start(camera(), tmp_path / "gone.mp4", None)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_event_time_follows_media_time_to_the_microsecond(first_s: float, second_s: float) -> None:
    first, second = event_time(NOON, first_s), event_time(NOON, second_s)
    assert abs((first - NOON).total_seconds() - first_s) <= 1e-6
    assert (first <= second) or first_s > second_s


def test_event_time_of_the_first_frame_is_the_start() -> None:
    assert event_time(NOON, 0.0) == NOON
    assert event_time(NOON, 1 / 3) == NOON + timedelta(microseconds=333_333)
