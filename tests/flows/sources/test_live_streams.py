"""A live stream: real pace, wall-clock time, and it comes back after its server died."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from footage_files import write_clip

from domain.cameras.status import CameraNotice
from domain.site.cameras import Camera
from evidence_store.recordings.footage import find_footage
from evidence_store.recordings.recorder import SegmentRecorder
from flows.sources.camera_reader import CameraReader, Playback
from flows.sources.sample_queue import ReaderItem, Sample, SampleQueue

SERVER = Path(__file__).resolve().parents[2] / "support" / "rtsp_files.py"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[], tuple[str, subprocess.Popen[bytes]]]]:
    """Start (again) an RTSP server for one clip; always the same address."""
    (tmp_path / "clips").mkdir()
    write_clip(tmp_path / "clips" / "cam.mp4", frames=300, fps=25, options={"g": "10", "bf": "0"})
    port, started = free_port(), []

    def start() -> tuple[str, subprocess.Popen[bytes]]:
        server = subprocess.Popen(
            [sys.executable, str(SERVER), str(tmp_path / "clips"), str(port)],
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        started.append(server)
        give_up_at = time.monotonic() + 60
        while not is_listening(port):
            assert time.monotonic() < give_up_at, "the RTSP server does not start"
            time.sleep(0.05)
        return f"rtsp://127.0.0.1:{port}/cam.mp4", server

    yield start
    for server in started:
        server.kill()
        server.wait()


def live_reader(url: str, recorder: SegmentRecorder | None = None) -> CameraReader:
    title = {"zh": "相机", "en": "Camera"}
    camera = Camera.model_validate({"id": "cam", "title": title, "url": url, "analyse_fps": 5})
    queue = SampleQueue(4, drops_oldest=True)
    reader = CameraReader(camera, Path(), Playback(until_end=False), queue, recorder=recorder)
    reader.start()
    return reader


def collect(
    reader: CameraReader, enough: Callable[[list[ReaderItem]], bool], timeout_s: float = 90
) -> list[ReaderItem]:
    items: list[ReaderItem] = []
    deadline = time.monotonic() + timeout_s
    while not enough(items):
        assert time.monotonic() < deadline, f"only got {items}"
        items += reader.queue.drain(50)
        time.sleep(0.01)
    return items


def samples(items: list[ReaderItem]) -> list[Sample]:
    return [item for item in items if isinstance(item, Sample)]


def statuses(items: list[ReaderItem]) -> list[str]:
    return [item.status for item in items if isinstance(item, CameraNotice)]


def test_rtsp_frames_carry_the_walls_time_at_the_streams_own_spacing(
    serve: Callable[..., Any],
) -> None:
    url, _server = serve()
    began = datetime.now(UTC)
    reader = live_reader(url)
    items = collect(reader, lambda got: len(samples(got)) >= 15)
    reader.stop()
    times = [sample.frame.stamp.captured_at for sample in samples(items)]
    assert statuses(items)[0] == "up"
    assert times == sorted(set(times))
    assert began < times[0] < datetime.now(UTC)
    # servers send the first pictures in a burst; after it they come as they were taken
    spacing_s = [(b - a).total_seconds() for a, b in pairwise(times[-6:])]
    assert all(0.1 < each < 0.5 for each in spacing_s), spacing_s


def test_a_stream_comes_back_after_its_server_died(serve: Callable[..., Any]) -> None:
    url, server = serve()
    reader = live_reader(url)
    collect(reader, lambda got: len(samples(got)) >= 25)  # further than it will be after
    server.kill()
    server.wait()
    items = collect(reader, lambda got: "failed" in statuses(got))
    reasons = [i.reason for i in items if isinstance(i, CameraNotice) and i.status == "failed"]
    assert reasons[0].startswith("cam: ")
    serve()
    items = collect(reader, lambda got: "up" in statuses(got) and len(samples(got)) >= 2)
    first, *_ = samples(items)
    assert first.frame.stamp.media_time_s < 1  # from the new stream's first pictures on
    reader.stop()
    reader.join(60)
    assert not reader.is_alive()


def test_what_a_stream_shows_is_recorded_and_can_be_found_by_time(
    serve: Callable[..., Any],
    tmp_path: Path,
) -> None:
    url, _server = serve()
    recorder = SegmentRecorder(tmp_path / "recordings", "cam", segment_s=1.0)
    reader = live_reader(url, recorder)
    items = collect(reader, lambda got: len(samples(got)) >= 15)
    reader.stop()
    reader.join(60)
    recorder.close()
    times = [sample.frame.stamp.captured_at for sample in samples(items)]
    found = find_footage(tmp_path / "recordings", "cam", times[3], times[-3])
    assert found.gaps == ()
    assert found.pieces
