"""Measure what recording one 25 fps 1080p camera costs: CPU seconds of the recorder over seconds of footage."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.stream import VideoStream

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.results import Result, Tell, WrongOutputs, quiet
from benchmarks.workload import scratch
from evidence_store.keys.encryption_keys import EncryptionKeys, new_key
from evidence_store.media.packets import open_video, read_packets
from evidence_store.recordings.recorder import SegmentRecorder
from evidence_store.recordings.segment_files import SegmentFiles
from evidence_store.recordings.segment_index import SegmentIndex

NAME = "recorder_cpu"
CAMERAS = 4
FPS, WIDTH, HEIGHT = 25, 1920, 1080
BIT_RATE = 5_000_000
CLIP_S = 6
SHORT_S, LONG_S = 25, 180
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@dataclass
class _Camera:
    """One recorder, and what it was given."""

    recorder: SegmentRecorder
    packets: int = 0
    payloads: Any = field(default_factory=hashlib.sha256)


def measure(*, long: bool = False, tell: Tell = quiet) -> Result:
    """Measure; raises WrongOutputs where a packet is missing or changed in the segments."""
    seconds = LONG_S if long else SHORT_S
    with scratch(NAME) as folder:
        tell("encoding 1080p footage")
        clip = encode_footage(folder / "clip.mp4")
        tell(f"{CAMERAS} cameras for {seconds} s")
        keys = EncryptionKeys(new_key())  # as a site has it unless it decided otherwise
        cameras = [
            _Camera(SegmentRecorder(folder, f"cam-{row}", keys=keys)) for row in range(CAMERAS)
        ]
        with _packets_of(clip) as (stream, pattern):
            cpu_s = _record(cameras, stream, pattern, seconds)
        bits = clip.stat().st_size * 8 / CLIP_S
        for camera in cameras:
            _check(camera, folder, keys)
    share = cpu_s / (CAMERAS * seconds)
    return Result(
        name=NAME,
        value=round(100 * share, 3),
        unit="% of a core a camera",
        must=0.5,
        aim=0.2,
        better="lower",
        conditions={
            "footage": f"{WIDTH}x{HEIGHT}, {FPS} fps, H.264, {bits / 1e6:.1f} Mbit/s, key every 2 s",
            "paced": f"{CAMERAS} cameras at their own pace for {seconds} s, all in one thread",
            "counted": "thread CPU time, user and system, within SegmentRecorder.write and cut",
            "encrypted": "each segment as it closes, AES-256-GCM",
            "off": "demuxing and decoding (the watch flow does them anyway); the kernel's write-back",
        },
        machine=describe_machine(),
        commit=describe_commit(),
        also={"us_per_packet": round(1e6 * cpu_s / sum(each.packets for each in cameras), 1)},
    )


def encode_footage(target: Path) -> Path:
    """Encode a moving picture with enough detail that it needs the whole bit rate."""
    rng = np.random.default_rng(1)
    scene = rng.integers(0, 255, (HEIGHT // 4, WIDTH // 2, 3), dtype=np.uint8)
    scene = np.kron(scene, np.ones((4, 4, 1), np.uint8))  # twice as wide as the picture
    options = {"preset": "ultrafast", "g": str(2 * FPS), "bf": "0", "nal-hrd": "cbr"}
    options |= {"minrate": str(BIT_RATE), "maxrate": str(BIT_RATE), "bufsize": str(BIT_RATE)}
    with av.open(str(target), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = BIT_RATE
        for number in range(CLIP_S * FPS):
            shown = np.ascontiguousarray(scene[:, 2 * number : 2 * number + WIDTH])
            frame = av.VideoFrame.from_ndarray(shown, format="rgb24")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return target


@contextmanager
def _packets_of(clip: Path) -> Iterator[tuple[VideoStream, list[tuple[bytes, bool]]]]:
    container, stream = open_video(clip)
    with container:
        yield stream, [(each.payload, each.is_key) for each in read_packets(container, stream)]


def _record(
    cameras: list[_Camera], stream: VideoStream, pattern: list[tuple[bytes, bool]], seconds: int
) -> float:
    """Play the clip again and again, at its pace; CPU seconds in the recorders."""
    time_base = Fraction(1, 12800)
    tick = int(1 / time_base) // FPS
    cpu_s, began_s = 0.0, time.monotonic()
    for number in range(seconds * FPS):
        payload, is_key = pattern[number % len(pattern)]
        at = START + timedelta(seconds=number / FPS)
        for camera in cameras:
            packet = av.Packet(payload)
            packet.pts = packet.dts = number * tick
            packet.duration, packet.time_base = tick, time_base
            packet.is_keyframe, packet.stream = is_key, stream
            before_s = time.thread_time()
            camera.recorder.write(packet, at)
            cpu_s += time.thread_time() - before_s
            camera.packets += 1
            camera.payloads.update(payload)
        time.sleep(max(0.0, (number + 1) / FPS - (time.monotonic() - began_s)))
    before_s = time.thread_time()
    for camera in cameras:
        camera.recorder.cut()
    return cpu_s + time.thread_time() - before_s


def _check(camera: _Camera, folder: Path, keys: EncryptionKeys) -> None:
    """Check that every packet is there, unchanged and in order."""
    name = camera.recorder.camera_id
    segments, lost = SegmentIndex(folder / name).read()
    kept, count, files = hashlib.sha256(), 0, SegmentFiles(folder / name, keys)
    for segment in segments:
        with files.file(segment.name).open() as file:
            container, stream = open_video(file)
            with container:
                for packet in read_packets(container, stream):
                    kept.update(packet.payload)
                    count += 1
    if lost or count != camera.packets or kept.digest() != camera.payloads.digest():
        raise WrongOutputs(
            f"{name}: {camera.packets} packets came, {count} were recorded, or they differ"
        )
