"""A machine that does not keep up with a live camera is told of once, and so is its catching up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import BEGAN, stamp
from plain_frames import detections, sampled

from domain.cameras.messages import trouble
from domain.cameras.status import CameraNotice, CameraStatus, ReadCounts
from domain.detections import Detections
from flows.live_view.board import LiveBoard
from flows.sources.pace import Measured, Pace, Paces
from flows.sources.sample_queue import Offered, Sample, SampleQueue

ASKED_FPS = 5.0


@dataclass
class Machine:
    """Plays a camera against a pace, in tenths of a second."""

    pace: Pace
    now_s: float = 100.0
    offered: Offered = field(default_factory=Offered)
    owed: float = 0.0

    def run(
        self,
        seconds: float,
        *,
        offers_fps: float = ASKED_FPS,
        share: float = 1.0,
        lag_s: float = 0.3,
        stream_s: float = 1.0,  # of the stream's clock in a second of the wall's
    ) -> list[tuple[bool, Measured]]:
        """Return what is reported meanwhile."""
        told = []
        frames = 0.0
        for _ in range(round(seconds * 10)):
            self.now_s += 0.1
            frames += 0.1 * offers_fps * stream_s
            media_time_s = self.offered.media_time_s
            if frames >= 1:
                frames -= 1
                media_time_s += 1 / offers_fps
                self.offered = Offered(self.offered.frames + 1, media_time_s)
                self.owed += share
            while self.owed >= 1:
                self.owed -= 1
                self.pace.note(self.now_s, lag_s)
            if measured := self.pace.look(self.now_s, self.offered):
                told.append((self.pace.is_slow, measured))
        return told


def machine() -> Machine:
    return Machine(Pace(ASKED_FPS))


def test_a_machine_that_keeps_up_has_nothing_to_tell() -> None:
    assert machine().run(120) == []


def test_too_few_frames_are_told_once_and_their_coming_back_too() -> None:
    busy = machine()
    assert busy.run(30) == []
    ((is_slow, measured),) = busy.run(60, share=0.5)
    assert is_slow
    assert measured.asked_fps == pytest.approx(ASKED_FPS)
    assert measured.analysed_fps < 0.8 * ASKED_FPS
    ((is_slow, measured),) = busy.run(60)
    assert not is_slow and measured.analysed_fps > 0.8 * ASKED_FPS


def test_all_frames_analysed_too_late_are_told_as_well() -> None:
    ((is_slow, measured),) = machine().run(60, lag_s=4.0)
    assert is_slow and measured.lag_s == 4.0


def test_a_detector_that_answers_nothing_is_told_with_how_long() -> None:
    ((is_slow, measured),) = machine().run(60, share=0.0)
    assert is_slow and measured.analysed_fps == 0 and measured.lag_s >= 10


def test_a_reader_that_falls_behind_its_stream_is_told_of() -> None:
    # every frame that it reads is analysed at once; but it reads 0.6 s of the stream in a second
    ((is_slow, _),) = machine().run(60, stream_s=0.6)
    assert is_slow


def test_a_camera_that_sends_less_than_is_asked_for_is_no_slow_machine() -> None:
    assert machine().run(120, offers_fps=2.0) == []


def test_a_hiccup_of_some_seconds_is_not_told() -> None:
    hiccups: list[dict[str, Any]] = [{"share": 0.0}, {"lag_s": 5.0}, {"stream_s": 0.0}]
    for hiccup in hiccups:
        steady = machine()
        assert steady.run(30) == []
        assert steady.run(4, **hiccup) == []
        assert steady.run(60) == []


def test_a_stream_that_is_opened_again_is_measured_anew() -> None:
    busy = machine()
    busy.run(60, share=0.5)
    busy.pace.begin_anew()
    busy.offered = Offered(busy.offered.frames, 0.0)
    assert not busy.pace.is_slow
    assert busy.run(60) == []
    assert [is_slow for is_slow, _ in busy.run(60, share=0.4)] == [True]


@given(
    st.lists(
        st.tuples(st.floats(0.9, 1.0), st.floats(0, 2.5), st.integers(1, 20)),
        min_size=1,
        max_size=8,
    )
)
def test_no_load_that_is_kept_up_with_is_ever_told(
    stretches: list[tuple[float, float, int]],
) -> None:
    steady = machine()
    for share, lag_s, seconds in stretches:
        assert steady.run(seconds, share=share, lag_s=lag_s) == []


def test_only_what_comes_out_of_the_detector_counts() -> None:
    now_s = [0.0]
    paces = Paces(lambda: now_s[0], lambda: BEGAN + timedelta(seconds=now_s[0] + 0.5))
    paces.watch("north", ASKED_FPS)
    queue = SampleQueue(4, drops_oldest=True)
    given_up = iter(range(1000))

    def every_other(items: list[Sample]) -> Iterator[Detections | CameraNotice]:
        return (detections(i.frame.stamp.media_time_s, []) for i in items if next(given_up) % 2)

    noted = paces.noting(every_other)
    told = []
    for frame in range(300):
        now_s[0] = frame / ASKED_FPS
        queue.put(Sample(sampled(now_s[0]), ReadCounts()))
        assert all(isinstance(each, Detections) for each in noted(queue.drain(9)))  # type: ignore[arg-type]
        told += [paces.look("north", queue.offered), paces.look("elsewhere", queue.offered)]
    ((is_slow, measured),) = [each for each in told if each is not None]
    assert is_slow and abs(measured.analysed_fps - 2.5) < 0.2 and measured.lag_s == 0.5


def test_frames_that_a_full_queue_drops_count_as_offered() -> None:
    queue = SampleQueue(2, drops_oldest=True)
    for frame in range(10):
        queue.put(Sample(sampled(frame / 5), ReadCounts()))
    assert queue.offered == Offered(10, stamp(9 / 5).media_time_s)
    assert queue.frames_dropped == 8


def test_the_live_page_shows_it_until_the_camera_is_well_again(tmp_path: Path) -> None:
    import json

    from flows.tracking.track import CameraTracker

    board = LiveBoard(tmp_path, updates_per_s=1e9)
    tracker = CameraTracker(ASKED_FPS, 0.3)
    said = trouble("slow", camera="north", analysed_fps=2.0, asked_fps=5.0, lag_s=3.0)
    shown = []
    statuses: list[CameraStatus | None] = [None, "slow", None, "up", None]
    for at_s, status in enumerate(statuses):
        if status is None:
            tracked = tracker.update(detections(at_s, []))
            assert tracked is not None
            board.take(tracked)
        else:
            words = said if status == "slow" else None
            board.take(CameraNotice("north", status, words, BEGAN, ReadCounts(), at_s))
        view = json.loads((tmp_path / "north.json").read_text())
        shown.append((view["status"], view["reason_zh"]))
    assert shown == [("up", ""), ("slow", said.zh), ("slow", said.zh), ("up", ""), ("up", "")]
