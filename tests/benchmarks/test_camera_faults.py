"""A camera is back with the first picture after which it was not blind again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from benchmarks.camera_faults import _Case, _results
from domain.cameras.status import CameraNotice, CameraStatus, ReadCounts


def case(samples_at_s: list[float], *notices: tuple[float, CameraStatus]) -> _Case:
    made = _Case("rtsp-close-9", "rtsp://127.0.0.1/cam", lambda is_set: None, 9.0)
    made.ended_at_s, made.samples_at_s = 100.0, samples_at_s
    now = datetime.now(UTC)
    made.notices = [
        (at_s, CameraNotice("cam", status, None, now, ReadCounts(), 0.0))
        for at_s, status in notices
    ]
    return made


@pytest.mark.parametrize(
    ("given", "back_after_s"),
    [
        (case([90.0, 103.0, 104.0], (92.0, "failed")), 3.0),
        (case([90.0, 101.0, 105.0], (92.0, "failed"), (102.0, "ended"), (104.9, "up")), 5.0),
        (case([90.0, 101.0], (92.0, "failed"), (102.0, "ended")), None),
        (case([90.0], (92.0, "failed")), None),
    ],
)
def test_when_a_camera_is_back(given: _Case, back_after_s: float | None) -> None:
    assert given.back_after_s == back_after_s


def test_one_left_blind_misses_the_must() -> None:
    results: list[Any] = _results([case([103.0]), case([104.0]), case([90.0])], False)
    assert results[0].value == 1
    assert [result.reaches_must for result in results] == [False, True]
