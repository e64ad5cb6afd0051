"""Whatever a camera sends, its reader ends with a reason and never with an exception."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from footage_files import write_clip, write_sound

from domain.cameras.status import CameraNotice
from domain.frames import SampledFrame
from domain.site.cameras import Camera
from flows.sources.camera_reader import CameraReader, Playback
from flows.sources.read_positions import ReaderPosition
from flows.sources.sample_queue import ReaderItem, Sample, SampleQueue
from flows.sources.sampler import Sampler

Item = ReaderItem


def camera(url: str, **settings: object) -> Camera:
    title = {"zh": "相机", "en": "Camera"}
    values = {"id": "cam", "title": title, "url": url, "analyse_fps": 5, **settings}
    return Camera.model_validate(values)


def read(given: Camera, base: Path, resume: ReaderPosition | None = None) -> list[Item]:
    """Return everything the reader hands over until its file ends."""
    queue = SampleQueue(8, drops_oldest=False)
    reader = CameraReader(given, base, Playback(until_end=True), queue, resume)
    reader.start()
    items: list[Item] = []
    while reader.is_alive() or len(queue):
        items += queue.drain(100)
        time.sleep(0.005)
    return items


def frames(items: list[Item]) -> list[SampledFrame]:
    return [item.frame for item in items if isinstance(item, Sample)]


def notices(items: list[Item]) -> list[tuple[str, str]]:
    return [(item.status, item.reason) for item in items if isinstance(item, CameraNotice)]


def test_a_file_is_sampled_on_a_grid_and_ends(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", frames=20, fps=10)
    items = read(camera("clip.mp4"), tmp_path)
    assert [round(f.stamp.media_time_s, 3) for f in frames(items)] == [n / 5 for n in range(10)]
    assert notices(items) == [("up", ""), ("ended", "")]
    assert frames(items)[0].image_rgb.shape == (300, 300, 3)
    assert isinstance(items[0], CameraNotice)
    assert isinstance(items[-1], CameraNotice)


def test_event_time_is_the_start_plus_media_time(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4")
    given = camera("clip.mp4", starts_at="2026-03-02T08:00:00Z")
    times = [f.stamp.captured_at.isoformat() for f in frames(read(given, tmp_path))][:2]
    assert times == ["2026-03-02T08:00:00+00:00", "2026-03-02T08:00:00.200000+00:00"]


def test_a_stretch_plays_only_that_stretch(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", frames=40)
    items = read(camera("clip.mp4", stretch_s=[1.0, 2.0]), tmp_path)
    assert [round(f.stamp.media_time_s, 3) for f in frames(items)] == [1.0, 1.2, 1.4, 1.6, 1.8]


def test_resuming_gives_exactly_the_frames_that_were_left(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", frames=40)
    given = camera("clip.mp4", starts_at="2026-03-02T08:00:00Z")
    whole = [(i.frame.stamp, i.counts) for i in read(given, tmp_path) if isinstance(i, Sample)]
    position = ReaderPosition(whole[7][0].media_time_s, whole[7][1])
    items = read(given, tmp_path, position)
    assert [(i.frame.stamp, i.counts) for i in items if isinstance(i, Sample)] == whole[8:]


@pytest.mark.parametrize(
    ("codec", "suffix", "pix_fmt", "size"),
    [
        ("libx264", "mkv", "yuv420p", (160, 120)),
        ("libx264", "mp4", "yuv444p", (161, 121)),
        ("libx265", "mp4", "yuv420p", (160, 120)),
        ("mjpeg", "avi", "yuvj420p", (160, 120)),
        ("libvpx-vp9", "webm", "yuv420p", (160, 120)),
        ("mpeg4", "mp4", "yuv420p", (160, 120)),
    ],
)
def test_common_codecs_are_read(
    tmp_path: Path, codec: str, suffix: str, pix_fmt: str, size: tuple[int, int]
) -> None:
    name = f"clip.{suffix}"
    write_clip(tmp_path / name, codec=codec, pix_fmt=pix_fmt, size=size)
    items = read(camera(name), tmp_path)
    assert len(frames(items)) == 10
    stamp = frames(items)[0].stamp
    assert (stamp.width_px, stamp.height_px) == size


def test_a_variable_frame_rate_is_sampled_by_time(tmp_path: Path) -> None:
    write_clip(tmp_path / "slow.mp4", frames=6, fps=10, step=15)
    items = read(camera("slow.mp4"), tmp_path)
    assert [round(f.stamp.media_time_s, 2) for f in frames(items)] == [0, 1.5, 3, 4.5, 6, 7.5]


def test_footage_that_starts_late_counts_from_its_own_start(tmp_path: Path) -> None:
    write_clip(tmp_path / "late.ts", first_pts=1000)
    first = frames(read(camera("late.ts"), tmp_path))[0]
    assert first.stamp.media_time_s == pytest.approx(0, abs=0.05)


def _nothing(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("this is no video")


def _noise(path: Path) -> None:
    path.write_bytes(bytes((n * 73 + n // 7) % 256 for n in range(40_000)))


def _no_index(path: Path) -> None:
    whole = write_clip(path.with_suffix(".whole.mp4"), frames=60).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _folder(path: Path) -> None:
    path.mkdir()


def _too_large(path: Path) -> None:
    write_clip(path, frames=1, size=(8192, 5120), options={"preset": "ultrafast"})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "needs a video file, found nothing"),
        (_folder, "found a folder"),
        (_nothing, "got one of 0 bytes"),
        (_text, "Invalid data found"),
        (_noise, "Invalid data found"),
        (_no_index, "Invalid data found"),
        (write_sound, "needs a video stream, got only audio"),
        (_too_large, "at most 40 megapixels, got 8192 x 5120"),
    ],
)
def test_footage_that_cannot_be_used_fails_with_the_reason(
    tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    make(tmp_path / "odd.mp4")
    items = read(camera("odd.mp4"), tmp_path)
    assert frames(items) == []
    ((status, reason),) = notices(items)
    assert status == "failed"
    assert reason.startswith("cam: ")
    assert words in reason


def test_damaged_bytes_cost_frames_and_nothing_else(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mkv", frames=60)
    damaged = bytearray(path.read_bytes())
    for at in range(len(damaged) // 3, 2 * len(damaged) // 3, 41):
        damaged[at] ^= 0x55
    path.write_bytes(bytes(damaged))
    items = read(camera("clip.mkv"), tmp_path)
    assert len(frames(items)) >= 5
    assert notices(items)[-1][0] == "ended"


def test_a_cut_off_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mkv", frames=60).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    items = read(camera("cut.mkv"), tmp_path)
    assert 5 <= len(frames(items)) < 30
    assert notices(items)[-1][0] == "ended"


def test_a_stretch_beyond_the_end_is_told(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4")
    ((status, reason),) = notices(read(camera("clip.mp4", stretch_s=[60, 70]), tmp_path))
    assert status == "failed"
    assert "is stretch_s right?" in reason


def test_a_looped_file_goes_on_with_time_that_never_runs_back(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", frames=5)
    queue = SampleQueue(50, drops_oldest=True)
    reader = CameraReader(camera("clip.mp4"), tmp_path, Playback(until_end=False), queue)
    reader.start()
    items: list[Item] = []
    while len(frames(items)) < 8:
        items += queue.drain(100)
        time.sleep(0.02)
    reader.stop()
    reader.join(60)
    assert not reader.is_alive()
    times = [f.stamp.captured_at for f in frames(items)]
    assert times == sorted(set(times))
    assert notices(items) == [("up", "")]


def test_a_stream_nobody_serves_is_tried_again(tmp_path: Path) -> None:
    queue = SampleQueue(4, drops_oldest=True)
    given = camera("rtsp://127.0.0.1:9/none")
    reader = CameraReader(given, tmp_path, Playback(until_end=False), queue)
    reader.start()
    items: list[Item] = []
    while len(items) < 2:
        items += queue.drain(10)
        time.sleep(0.02)
    reader.stop()
    reader.join(60)
    assert not reader.is_alive()
    assert {status for status, _ in notices(items)} == {"failed"}
    assert "Connection refused" in notices(items)[0][1]


def test_a_stream_whose_times_start_over_is_sampled_on() -> None:
    sampler = Sampler("cam", 5)
    hour = [t for t in (3600 + n / 10 for n in range(10)) if sampler.wants(t)]
    again = [t for t in (n / 10 for n in range(10)) if sampler.wants(t)]
    assert len(hour) == len(again) == 5


def test_a_slow_flow_holds_a_file_back_and_loses_nothing(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", frames=60)
    queue = SampleQueue(2, drops_oldest=False)
    reader = CameraReader(camera("clip.mp4"), tmp_path, Playback(until_end=True), queue)
    reader.start()
    items: list[Item] = []
    while reader.is_alive() or len(queue):
        assert len(queue) <= 4  # two frames and the notices around them
        items += queue.drain(1)
        time.sleep(0.01)
    assert len(frames(items)) == 30
