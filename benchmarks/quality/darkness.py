"""Darken clips as a night does to a cheap camera: little light, and the noise of a sensor turned up.

Copies are kept in a folder for what is made while measuring; the same clip always gives the same copy.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np

CACHE_VARIABLE = "FOREWARN_EVAL_CACHE"
CACHE = Path(os.environ.get(CACHE_VARIABLE, Path(tempfile.gettempdir()) / "forewarn-eval"))

GAIN = 0.25  # of the light
NOISE_SD = 6.0  # of 255
NOISE_PICTURES = 8  # drawn once, then shown in turns, shifted each time: drawing is what takes long


def darkened(clip: Path) -> Path:
    """Return the darkened copy of a clip; made where there is none yet."""
    told = hashlib.sha256(clip.read_bytes() + f"{GAIN} {NOISE_SD}".encode()).hexdigest()[:12]
    copy = CACHE / f"{clip.stem}-dark-{told}.mp4"
    if not copy.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        # of this process alone: several may measure at once
        unfinished = copy.with_suffix(f".{os.getpid()}.mp4")
        _encode_darkened(clip, unfinished)
        unfinished.rename(copy)
    return copy


def darken(picture: np.ndarray, frame: int) -> np.ndarray:
    """Darken one picture, (h, w, 3) uint8; the frame's number decides its noise."""
    noise = _noise(picture.shape, frame % NOISE_PICTURES)
    shifted = np.roll(noise, (frame * 7919, frame * 104729), axis=(0, 1))
    dark: np.ndarray = np.clip(picture * np.float32(GAIN) + shifted, 0, 255).astype(np.uint8)
    return dark


_drawn: dict[tuple[tuple[int, ...], int], np.ndarray] = {}


def _noise(shape: tuple[int, ...], number: int) -> np.ndarray:
    if (shape, number) not in _drawn:
        drawn = np.random.default_rng(number).normal(0, NOISE_SD, shape)
        _drawn[shape, number] = drawn.astype(np.float32)
    return _drawn[shape, number]


def _encode_darkened(clip: Path, copy: Path) -> None:
    """Write every frame with its own time; at a quality that keeps the noise."""
    import av

    with av.open(str(clip)) as given, av.open(str(copy), "w") as made:
        source = given.streams.video[0]
        target = made.add_stream("libx264", rate=source.average_rate)
        target.width, target.height = source.codec_context.width, source.codec_context.height
        target.pix_fmt, target.options = "yuv420p", {"crf": "16", "preset": "veryfast", "bf": "0"}
        assert source.time_base is not None
        target.codec_context.time_base = source.time_base
        for number, frame in enumerate(given.decode(source)):
            picture = darken(frame.to_ndarray(format="rgb24"), number)
            dark = av.VideoFrame.from_ndarray(picture, format="rgb24")
            dark.pts, dark.time_base = frame.pts, source.time_base
            made.mux(target.encode(dark))
        made.mux(target.encode())
    _drawn.clear()
