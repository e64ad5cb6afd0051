"""Frames in, detections out, also while the server is away."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from people import BEGAN
from plain_frames import detections, sampled

from domain.cameras.status import CameraNotice, ReadCounts
from domain.detections import Detections
from domain.errors import TryAgain
from domain.frames import SampledFrame
from flows.detection.detect import DetectStep


class AwayFor:
    """A detector whose server is away for some calls."""

    def __init__(self, calls: int) -> None:
        self.calls_left = calls

    def detect(self, frames: Sequence[SampledFrame]) -> list[Detections]:
        if self.calls_left > 0:
            self.calls_left -= 1
            raise TryAgain("nobody answers at 127.0.0.1:1")
        return [detections(f.stamp.media_time_s, [(1, 2, 3, 4)]) for f in frames]


ENDED = CameraNotice("north", "ended", None, BEGAN, ReadCounts(3, 0), 0.4)


def test_answers_come_in_the_order_of_the_frames_with_notices_between() -> None:
    step = DetectStep(AwayFor(0), threading.Event(), waits=True)
    out = step([sampled(0), ENDED, sampled(0.2)])
    assert [type(item) for item in out] == [Detections, CameraNotice, Detections]
    assert [d.frame.media_time_s for d in out if isinstance(d, Detections)] == [0, 0.2]


def test_a_files_frames_wait_for_a_server_that_is_away() -> None:
    step = DetectStep(AwayFor(2), threading.Event(), waits=True)
    assert len(step([sampled(0), sampled(0.2)])) == 2
    assert step.frames_given_up == 0


def test_a_live_cameras_frames_are_given_up_and_counted() -> None:
    step = DetectStep(AwayFor(10**6), threading.Event(), waits=False, give_up_after_s=0.3)
    assert step([sampled(0), ENDED]) == [ENDED]
    assert step.frames_given_up == 1


def test_a_stop_while_waiting_leaves_the_frames_for_the_next_run() -> None:
    stop = threading.Event()
    stop.set()
    step = DetectStep(AwayFor(10**6), stop, waits=True)
    with pytest.raises(TryAgain, match="1 frames waited"):
        step([sampled(0)])
