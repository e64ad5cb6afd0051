"""Make footage for the tests with real encoders, each with time stamps that are awkward in its way."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest


@dataclass(frozen=True)
class Made:
    """How a clip is made; `stamps` are pts in time_base, one for each frame."""

    name: str
    codec: str = "libx264"
    pixels: str = "yuv420p"
    time_base: Fraction = Fraction(1, 10)
    stamps: tuple[int, ...] = tuple(range(60))
    options: dict[str, str] = field(default_factory=dict)


X264 = {"g": "20", "bf": "0", "preset": "ultrafast"}
UNEVEN = tuple(int(each) for each in np.cumsum([20000, 900, 3003, 90, 24000, 450] * 10))

KINDS = {
    "h264": Made("h264.mp4", options=X264),
    "b-frames": Made("b.mp4", options={"g": "20", "bf": "3", "preset": "medium"}),
    "open groups": Made(
        "open.mkv",
        options={"g": "15", "bf": "3", "preset": "fast", "x264-params": "open-gop=1:scenecut=0"},
    ),
    "hevc": Made(
        "hevc.mp4",
        codec="libx265",
        options={"g": "20", "preset": "ultrafast", "x265-params": "log-level=none"},
    ),
    "hevc with b-frames": Made(
        "hevc-b.mkv",
        codec="libx265",
        options={
            "g": "20",
            "preset": "ultrafast",
            "x265-params": "log-level=none:bframes=3:b-adapt=0:open-gop=0",
        },
    ),
    "odd time base": Made(
        "odd.mkv", time_base=Fraction(1001, 30000), stamps=tuple(range(150)), options=X264
    ),
    "uneven": Made("vfr.mp4", time_base=Fraction(1, 90000), stamps=UNEVEN, options=X264),
    "late start": Made("late.ts", stamps=tuple(range(700, 760)), options=X264),
    "ms-mpeg4": Made("old.avi", codec="msmpeg4", options={"g": "12"}),
    "mjpeg": Made("mjpeg.avi", codec="mjpeg", pixels="yuvj420p"),
}


def make_footage(folder: Path, made: Made) -> Path:
    """Encode frames whose brightness tells their number."""
    path = folder / made.name
    with av.open(str(path), "w") as out:
        stream = out.add_stream(made.codec, rate=10, options=dict(made.options))
        stream.width, stream.height, stream.pix_fmt = 96, 64, made.pixels
        stream.codec_context.time_base = made.time_base
        for number, pts in enumerate(made.stamps):
            frame = av.VideoFrame.from_ndarray(draw(number), format="rgb24")
            frame.pts, frame.time_base = pts, made.time_base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def draw(number: int) -> np.ndarray:
    """Draw a grey picture, two levels brighter each frame, with some texture that moves."""
    image = np.full((64, 96, 3), 20 + 2 * number % 220, np.uint8)
    image[10:20, number % 80 : number % 80 + 10] = 255
    return image


@pytest.fixture
def all_frames(footage_file: Path) -> list[tuple[int, np.ndarray]]:
    """Decode every frame from the start: its pts and its picture."""
    with av.open(str(footage_file)) as container:
        return [
            (frame.pts or 0, frame.to_ndarray(format="rgb24"))
            for frame in container.decode(video=0)
        ]


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> Made:
    """Return each kind of footage in turn."""
    return KINDS[request.param]


@pytest.fixture
def footage_file(tmp_path: Path, kind: Made) -> Path:
    """Make a file of that kind."""
    return make_footage(tmp_path, kind)
