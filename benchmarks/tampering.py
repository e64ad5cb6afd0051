"""What people do to cameras, and what only looks like it, done to pictures of 300 x 300."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

SIDE = 300
Change = Callable[[np.ndarray, float], np.ndarray]  # (picture, seconds since it began) -> picture


def _hand(picture: np.ndarray, since_s: float) -> np.ndarray:
    noise = np.random.default_rng(int(1000 * since_s)).normal(0, 2, (SIDE, SIDE, 1))
    shade = 60 + 25 * np.sin(np.linspace(0, 4, SIDE))[None, :, None]
    grey: np.ndarray = np.clip(shade + noise, 0, 255).astype(np.uint8)
    return grey.repeat(3, axis=2)


def _warped(how: np.ndarray) -> Change:
    return lambda picture, _: cv2.warpAffine(
        picture, how, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT
    )


def _shift(share: float) -> Change:
    return _warped(np.array([[1, 0, share * SIDE], [0, 1, 0]], np.float32))


def _turn(degrees: float) -> Change:
    return _warped(cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), degrees, 1.0))


def _blur(sigma: float) -> Change:
    return lambda picture, _: cv2.GaussianBlur(picture, (0, 0), sigma)


class _Freeze:
    def __init__(self) -> None:
        self._kept: np.ndarray | None = None

    def __call__(self, picture: np.ndarray, _: float) -> np.ndarray:
        self._kept = picture if self._kept is None else self._kept
        return self._kept


def _lamp(picture: np.ndarray, _: float) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    light = 0.35 + 1.2 * np.exp(-((x - 80) ** 2 + (y - 60) ** 2) / (2 * 70**2))
    lit: np.ndarray = np.clip(picture * light[..., None], 0, 255).astype(np.uint8)
    return lit


CHANGES: dict[str, Change] = {
    "black": lambda picture, _: np.zeros_like(picture),
    "behind a hand": _hand,
    "blurred": _blur(1.0),
    "blurred much": _blur(3.0),
    "shifted by a tenth": _shift(0.1),
    "shifted by a third": _shift(0.33),
    "turned by 15 degrees": _turn(15),
    "frozen": _Freeze(),
}
HARMLESS: dict[str, Change] = {
    "nothing": lambda picture, _: picture,
    "dimmed in 10 s": lambda p, s: (p * max(0.3, 1 - 0.07 * s)).astype(np.uint8),
    "lit by one lamp": _lamp,
    "half the light at once": lambda picture, _: picture // 2,
}
