"""What people do to cameras, done to sampled frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from people import stamp

from domain.frames import SampledFrame

SIDE = 300
Change = Callable[[np.ndarray, float], np.ndarray]  # (picture, seconds since it began) -> picture


def read_frames(clip: Path, fps: float, until_s: float) -> list[SampledFrame]:
    """Read the clip as the detector gets it, from its start."""
    frames, last_cell = [], -1
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            at_s = float(frame.time or 0.0)
            if at_s >= until_s:
                break
            if (cell := int(at_s * fps + 1e-3)) == last_cell:
                continue
            last_cell = cell
            small = frame.reformat(SIDE, SIDE, "rgb24", interpolation="AREA")
            frames.append(SampledFrame(stamp(at_s), small.to_ndarray()))
    return frames


def tamper(
    frames: Iterable[SampledFrame], change: Change, from_s: float, to_s: float
) -> Iterator[SampledFrame]:
    """Change the frames of a stretch, from_s to to_s; the others stay."""
    for frame in frames:
        since_s = frame.stamp.media_time_s - from_s
        if since_s >= 0 and frame.stamp.media_time_s < to_s:
            frame = SampledFrame(frame.stamp, change(frame.image_rgb.copy(), since_s))
        yield frame


def black(picture: np.ndarray, _: float) -> np.ndarray:
    return np.zeros_like(picture)


def behind_a_hand(picture: np.ndarray, since_s: float) -> np.ndarray:
    """Dark and uneven, with the sensor's noise."""
    noise = np.random.default_rng(int(1000 * since_s)).normal(0, 2, (SIDE, SIDE, 1))
    shade = 60 + 25 * np.sin(np.linspace(0, 4, SIDE))[None, :, None]
    return np.clip(shade + noise, 0, 255).astype(np.uint8).repeat(3, axis=2)


def mostly_covered(picture: np.ndarray, _: float) -> np.ndarray:
    picture[:, : 3 * SIDE // 4] = 20
    return picture


def blurred(picture: np.ndarray, _: float) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), 1.5)


def shifted(picture: np.ndarray, _: float) -> np.ndarray:
    return _warped(picture, np.array([[1, 0, 45], [0, 1, 0]], np.float32))


def rotated(picture: np.ndarray, _: float) -> np.ndarray:
    return _warped(picture, cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), 15, 1.0))


def _warped(picture: np.ndarray, how: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(picture, how, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT)


class Frozen:
    """Shows the picture of the moment at which it began."""

    def __init__(self) -> None:
        self._kept: np.ndarray | None = None

    def __call__(self, picture: np.ndarray, _: float) -> np.ndarray:
        self._kept = picture if self._kept is None else self._kept
        return self._kept


def dimming(picture: np.ndarray, since_s: float) -> np.ndarray:
    """To three tenths of the light within ten seconds."""
    return (picture * max(0.3, 1 - 0.07 * since_s)).astype(np.uint8)


def lamp_switched(picture: np.ndarray, _: float) -> np.ndarray:
    """Dark, but for the light of one lamp."""
    y, x = np.mgrid[:SIDE, :SIDE]
    light = 0.35 + 1.2 * np.exp(-((x - 80) ** 2 + (y - 60) ** 2) / (2 * 70**2))
    return np.clip(picture * light[..., None], 0, 255).astype(np.uint8)


def lorry_parked(picture: np.ndarray, _: float) -> np.ndarray:
    picture[100:300, 60:220] = (120, 40, 30)
    return picture
