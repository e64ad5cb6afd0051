"""Footage made in the test, good and bad."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from evidence_store.recordings.clip import CutClip, SourceStretch, join_clip


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
    """Write a moving bar on grey; every frame differs."""
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
    """Write a file with sound and no picture."""
    with av.open(str(path), "w") as clip:
        sound = clip.add_stream("aac", rate=8000)
        quiet = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
        quiet.sample_rate, quiet.pts = 8000, 0
        clip.mux(sound.encode(quiet))
        clip.mux(sound.encode(None))
    return path


def write_clip_with_sound(path: Path, *, seconds: int, video_s: int) -> Path:
    """Write a clip whose sound goes on after its picture ended."""
    with av.open(str(path), "w") as clip:
        video = clip.add_stream("libx264", rate=10, options={"g": "10", "bf": "0"})
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        sound = clip.add_stream("aac", rate=8000)
        for number in range(10 * video_s):
            frame = av.VideoFrame.from_ndarray(
                np.full((120, 160, 3), 9 * number, np.uint8), "rgb24"
            )
            frame.pts, frame.time_base = number, Fraction(1, 10)
            clip.mux(video.encode(frame))
        clip.mux(video.encode(None))
        for second in range(seconds):
            noise = np.random.default_rng(second).random((1, 8000), np.float32)
            heard = av.AudioFrame.from_ndarray(noise, "fltp", "mono")
            heard.sample_rate, heard.pts = 8000, 8000 * second
            clip.mux(sound.encode(heard))
        clip.mux(sound.encode(None))
    return path


def cut_clip(source: Path, from_s: float, to_s: float, target: Path) -> CutClip:
    """Cut from_s .. to_s (media time) out of one file, as `join_clip` cuts stretches of recordings."""
    return join_clip([SourceStretch(source, from_s, to_s)], target)


def write_unknown_codec(path: Path) -> Path:
    """Write a Matroska file whose video has a codec of a name that nobody knows."""
    known = write_clip(path).read_bytes()
    path.write_bytes(known.replace(b"V_MPEG4/ISO/AVC", b"V_UNKNOWN/XXXXX"))
    return path
