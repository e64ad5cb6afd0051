"""Footage made in the test, good and bad."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write_clip(
    path: Path,
    *,
    frames: int = 20,
    fps: int = 10,
    size: tuple[int, int] = (160, 120),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    first_pts: int = 0,
    step: int = 1,
) -> Path:
    """A moving bar on grey; every frame differs."""
    with av.open(str(path), "w") as clip:
        video = clip.add_stream(codec, rate=fps, options=options or {"g": "5"})
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        video.time_base = Fraction(1, fps)
        for number in range(frames):
            picture = np.full((size[1], size[0], 3), 90, np.uint8)
            picture[:, (number * 7) % size[0]] = 255
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = first_pts + number * step, Fraction(1, fps)
            clip.mux(video.encode(frame))
        clip.mux(video.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """A file with sound and no picture."""
    with av.open(str(path), "w") as clip:
        sound = clip.add_stream("aac", rate=8000)
        quiet = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
        quiet.sample_rate, quiet.pts = 8000, 0
        clip.mux(sound.encode(quiet))
        clip.mux(sound.encode(None))
    return path
