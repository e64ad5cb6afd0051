"""A reader outlives whatever opening and reading raise, tells of it, and tries again."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest
from footage_files import write_clip, write_clip_with_sound, write_unknown_codec

from domain.cameras.status import CameraNotice
from domain.site.cameras import Camera
from flows.sources.camera_reader import CameraReader, Playback
from flows.sources.media import decoder as decoder_module
from flows.sources.media import footage
from flows.sources.media.decoder import Decoder
from flows.sources.media.footage import Patience
from flows.sources.sample_queue import ReaderItem, Sample, SampleQueue

# some of PyAV's that are neither OSError nor ValueError, and what damaged files raised; that all are
# one to us is tested in tests/evidence_store/media/test_faults.py
KINDS: list[type[Exception]] = [
    av.error.ExitError,
    av.error.HTTPUnauthorizedError,
    av.error.ProtocolNotFoundError,
    av.error.UnknownError,
    AttributeError,
    EOFError,
    MemoryError,
    OverflowError,
]
QUICK = Patience(silence_s=5.0, open_s=10.0, longest_pause_s=0.01)


def an_error(kind: type[Exception]) -> Exception:
    return kind(5, "it broke") if issubclass(kind, av.FFmpegError) else kind("it broke")


def reader_of(url: str, base: Path, *, until_end: bool = False) -> CameraReader:
    title = {"zh": "相机", "en": "Camera"}
    values = {"id": "cam", "title": title, "url": "a.mp4", "analyse_fps": 5}
    # a site file cannot name every url
    camera = Camera.model_validate(values).model_copy(update={"url": url})
    queue = SampleQueue(100, drops_oldest=not until_end)
    return CameraReader(camera, base, Playback(until_end=until_end), queue, patience=QUICK)


def collect(reader: CameraReader, count: int, kind: type[ReaderItem]) -> list[ReaderItem]:
    """Return what the reader hands over up to so many notices or samples."""
    items: list[ReaderItem] = []
    give_up_at = time.monotonic() + 60
    while sum(isinstance(item, kind) for item in items) < count:
        assert reader.is_alive() or len(reader.queue), f"the reader is dead after {items}"
        assert time.monotonic() < give_up_at, f"only got {items}"
        items += reader.queue.drain(50)
        time.sleep(0.005)
    return items


def notices(items: list[ReaderItem]) -> list[tuple[str, str]]:
    return [(item.status, item.reason) for item in items if isinstance(item, CameraNotice)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__qualname__)
def test_a_live_camera_that_fails_to_open_is_told_of_and_tried_again(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise an_error(kind)

    monkeypatch.setattr(footage.av, "open", refuse)
    reader = reader_of("rtsp://127.0.0.1:9/none", tmp_path)
    reader.start()
    told = notices(collect(reader, 3, CameraNotice))
    reader.stop()
    assert {status for status, _ in told} == {"failed"}
    assert all(reason.startswith("cam: ") and "it broke" in reason for _, reason in told)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__qualname__)
def test_a_stream_that_breaks_in_the_midst_is_told_of_and_opened_again(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clip, really_open = str(write_clip(tmp_path / "clip.mp4")), av.open
    whole = Decoder.frames

    def two_frames(self: Decoder) -> Iterator[Any]:
        for number, item in enumerate(whole(self)):
            if number == 2:
                raise an_error(kind)
            yield item

    monkeypatch.setattr(footage.av, "open", lambda *_, **__: really_open(clip))
    monkeypatch.setattr(Decoder, "frames", two_frames)
    reader = reader_of("rtsp://127.0.0.1:9/none", tmp_path)
    reader.start()
    told = notices(collect(reader, 4, CameraNotice))
    reader.stop()
    assert [status for status, _ in told[:4]] == ["up", "failed"] * 2
    assert "it broke" in told[1][1]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__qualname__)
def test_a_file_ends_with_a_notice_whatever_reading_it_raises(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise an_error(kind)

    write_clip(tmp_path / "clip.mp4")
    monkeypatch.setattr(footage.av, "open", refuse)
    reader = reader_of("clip.mp4", tmp_path, until_end=True)
    reader.run()
    ((status, reason),) = notices(reader.queue.drain(10))
    assert status == "failed"
    assert "it broke" in reason


def test_a_file_of_an_unknown_codec_ends_with_the_reason(tmp_path: Path) -> None:
    write_unknown_codec(tmp_path / "odd.mkv")
    reader = reader_of("odd.mkv", tmp_path, until_end=True)
    reader.run()
    ((status, reason),) = notices(reader.queue.drain(10))
    assert status == "failed"
    assert "codec that cannot be decoded here" in reason


def test_a_scheme_nobody_knows_is_told_of_and_tried_again(tmp_path: Path) -> None:
    reader = reader_of("rtps://127.0.0.1:9/none", tmp_path)
    reader.start()
    told = notices(collect(reader, 2, CameraNotice))
    reader.stop()
    assert {status for status, _ in told} == {"failed"}
    assert "Protocol not found" in told[0][1]


def test_a_looped_file_that_comes_later_is_played(tmp_path: Path) -> None:
    reader = reader_of("clip.mp4", tmp_path)
    reader.start()
    assert "found nothing" in notices(collect(reader, 1, CameraNotice))[0][1]
    write_clip(tmp_path / "whole.mp4").rename(tmp_path / "clip.mp4")
    items = collect(reader, 1, Sample)
    reader.stop()
    assert notices(items)[-1] == ("up", "")


def test_frames_whose_time_no_clock_could_hold_are_put_aside() -> None:
    stamps = [0, 1, 10**15, -(10**15), 2]
    frames = [SimpleNamespace(time=pts / 10, pts=pts, dts=None) for pts in stamps]
    packet = SimpleNamespace(decode=lambda: frames, dts=None, pts=None)
    container: Any = SimpleNamespace(
        demux=lambda _: [packet], format=SimpleNamespace(name="mov,mp4,m4a")
    )
    stream: Any = SimpleNamespace(
        time_base=Fraction(1, 10), average_rate=None, start_time=0, container=container
    )
    damaged: list[float | None] = []
    decoder = Decoder(container, stream, lambda _: None, damaged.append)
    assert [time_s for time_s, _ in decoder.frames()] == [0.0, 0.1, 0.2]
    assert damaged == [None] * 2


def test_live_pictures_without_times_get_those_at_which_they_come(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """FFmpeg takes MJPEG for 25 pictures a second: of a camera that gives five, one was looked at."""
    write_clip(tmp_path / "clip.mkv", codec="mjpeg", pix_fmt="yuvj420p", options={})
    with av.open(str(tmp_path / "clip.mkv")) as clip:
        pictures = [bytes(packet) for packet in clip.demux(video=0) if packet.size]
    clock = (number / 10 for number in itertools.count())
    monkeypatch.setattr(decoder_module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    packets: list[float] = []
    with av.open(io.BytesIO(b"".join(pictures)), format="mjpeg") as container:
        decoder = Decoder(
            container,
            container.streams.video[0],
            lambda packet: packets.append(float(packet.pts * packet.time_base)),
            lambda _: None,
            on_other=lambda _: None,
        )
        times_s = [
            (time_s, float(frame.pts * decoder.time_base)) for time_s, frame in decoder.frames()
        ]
    came_s = [0.1 + 0.2 * number for number in range(len(pictures))]
    assert [time_s for time_s, _ in times_s] == pytest.approx(came_s)
    assert [pts_s for _, pts_s in times_s] == pytest.approx(came_s)
    assert packets[: len(came_s)] == pytest.approx(came_s)


def test_a_live_stream_whose_clock_is_set_back_is_looked_at_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clip, really_open = str(write_clip(tmp_path / "clip.mp4", frames=40)), av.open
    whole = Decoder.frames

    def an_hour_back(self: Decoder) -> Iterator[Any]:
        for time_s, frame in whole(self):
            yield time_s - (3600 if time_s > 1 else 0), frame

    monkeypatch.setattr(footage.av, "open", lambda *_, **__: really_open(clip))
    monkeypatch.setattr(Decoder, "frames", an_hour_back)
    reader = reader_of("rtsp://127.0.0.1:9/none", tmp_path)
    reader.start()
    items = collect(reader, 15, Sample)
    reader.stop()
    times_s = [item.frame.stamp.media_time_s for item in items if isinstance(item, Sample)]
    assert sum(time_s < 0 for time_s in times_s) >= 5


def test_sound_without_a_picture_is_a_silence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """PyAV waits for a stream's video in one call, which sound keeps from timing out."""
    seconds = 120
    path = write_clip_with_sound(tmp_path / "sound.ts", seconds=seconds, video_s=2)
    size = path.stat().st_size
    with path.open("rb") as served:
        # a camera's sound comes at its pace: what was read is how late it is
        pace = SimpleNamespace(monotonic=lambda: seconds * served.tell() / size)
        monkeypatch.setattr(decoder_module, "time", pace)
        monkeypatch.setattr(footage, "open_stream", lambda *_: av.open(served, format="mpegts"))
        reader = reader_of("http://127.0.0.1:9/none", tmp_path)
        monkeypatch.setattr(reader, "_patience", Patience(30.0, 60.0, longest_pause_s=600.0))
        reader.start()
        told = notices(collect(reader, 2, CameraNotice))
        was_read = served.tell()
        reader.stop()
        reader.join()
    assert [status for status, _ in told] == ["up", "failed"]
    assert "no picture for" in told[1][1]
    assert was_read < size
