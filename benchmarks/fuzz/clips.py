"""Make small sound clips in many codecs and containers, and damaged ones of them, the same for each seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

SAMPLE = Path(__file__).parents[2] / "samples" / "crossing.mp4"
FRAMES, FPS = 25, 10
QUIET = {"x265-params": "log-level=none"}
# file name: codec, options, pixel format
SEEDS = {
    "h264.mp4": ("libx264", {"g": "5"}, "yuv420p"),
    "h264.ts": ("libx264", {"g": "5"}, "yuv420p"),
    "h264.mkv": ("libx264", {"g": "10", "bf": "2"}, "yuv420p"),
    "h264.flv": ("libx264", {"g": "5"}, "yuv420p"),
    "h264.h264": ("libx264", {"g": "5"}, "yuv420p"),
    "hevc.mp4": ("libx265", QUIET, "yuv420p"),
    "hevc.ts": ("libx265", QUIET, "yuv420p"),
    "mpeg4.avi": ("mpeg4", {}, "yuv420p"),
    "mpeg2.ts": ("mpeg2video", {}, "yuv420p"),
    "mjpeg.avi": ("mjpeg", {}, "yuvj420p"),
    "vp8.webm": ("libvpx", {}, "yuv420p"),
    "vp9.webm": ("libvpx-vp9", {"deadline": "realtime"}, "yuv420p"),
    "av1.mkv": ("libsvtav1", {"preset": "12"}, "yuv420p"),
    "ffv1.mkv": ("ffv1", {}, "yuv420p"),
    "png.mov": ("png", {}, "rgb24"),
}


def make_seeds(folder: Path) -> list[Path]:
    """Write a clip in each codec and container that this PyAV has, and a stretch of the sample."""
    folder.mkdir(parents=True, exist_ok=True)
    made = [folder / "sample.mp4"]
    _remux(SAMPLE, made[0], seconds=2)
    for name, (codec, options, pixel_format) in SEEDS.items():
        if codec in av.codecs_available:
            made.append(folder / name)
            _encode(made[-1], codec, options, pixel_format)
    return made


def _encode(path: Path, codec: str, options: dict[str, str], pixel_format: str) -> None:
    rng = np.random.default_rng(1)
    with av.open(str(path), "w") as clip:
        video = clip.add_stream(codec, rate=FPS, options=options)
        assert isinstance(video, VideoStream)
        video.width, video.height, video.pix_fmt = 96, 96, pixel_format
        for number in range(FRAMES):
            picture = rng.integers(60, 80, (96, 96, 3), dtype=np.uint8)
            picture[20:50, number * 2 : number * 2 + 20] = 200
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            clip.mux(video.encode(frame))
        clip.mux(video.encode(None))


def _remux(source: Path, target: Path, seconds: float) -> None:
    with av.open(str(source)) as given, av.open(str(target), "w") as copy:
        stream = given.streams.video[0]
        video = copy.add_stream_from_template(stream)
        assert stream.time_base is not None
        for packet in given.demux(stream):
            if packet.dts is None or packet.dts * stream.time_base > seconds:
                break
            packet.stream = video
            copy.mux(packet)


def damaged(seeds: list[Path], folder: Path, count: int, seed: int) -> Iterator[Path]:
    """Write `count` damaged clips, of each seed in turn."""
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        sound = seeds[number % len(seeds)]
        how = chance.choice(list(DAMAGES))
        path = folder / f"{number:05d}-{how}-{sound.name}"
        content = bytearray(sound.read_bytes())
        for _ in range(chance.choice([1, 1, 2, 4])):
            if content:
                content = DAMAGES[how](content, chance)
        path.write_bytes(content)
        yield path


def _flip(content: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.choice([1, 5, 40])):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return content


def _blank(content: bytearray, chance: random.Random) -> bytearray:
    at = chance.randrange(len(content))
    size = min(chance.randrange(1, 400), len(content) - at)
    content[at : at + size] = bytes([chance.choice([0, 0xFF])]) * size
    return content


def _cut(content: bytearray, chance: random.Random) -> bytearray:
    return content[: chance.randrange(1, len(content) + 1)]


def _lose(content: bytearray, chance: random.Random) -> bytearray:
    at = chance.randrange(len(content))
    del content[at : at + chance.randrange(1, 2000)]
    return content


def _insert(content: bytearray, chance: random.Random) -> bytearray:
    at = chance.randrange(len(content))
    content[at:at] = chance.randbytes(chance.randrange(1, 2000))
    return content


def _repeat(content: bytearray, chance: random.Random) -> bytearray:
    at = chance.randrange(len(content))
    content[at:at] = content[at : at + chance.randrange(1, 3000)]
    return content


def _swap(content: bytearray, chance: random.Random) -> bytearray:
    one, other = sorted(chance.randrange(len(content)) for _ in range(2))
    return content[:one] + content[other:] + content[one:other]


def _numbers(content: bytearray, chance: random.Random) -> bytearray:
    """Put sizes and counts at their limits, where headers have some."""
    limits = [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\0", b"\0\0\0\1"]
    for _ in range(chance.choice([1, 4, 16])):
        # headers stand at the beginning or the end
        span = chance.choice([200, len(content)])
        at = chance.choice([chance.randrange(span), len(content) - 1 - chance.randrange(span)])
        at = min(max(at, 0), len(content) - 1)
        content[at : at + 4] = chance.choice(limits)
    return content


DAMAGES = {
    "flip": _flip,
    "blank": _blank,
    "cut": _cut,
    "lose": _lose,
    "insert": _insert,
    "repeat": _repeat,
    "swap": _swap,
    "numbers": _numbers,
}
