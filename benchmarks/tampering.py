"""Do to pictures of 300 x 300 what people do to cameras, and what only looks like it."""

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


def _ellipse(
    middle: tuple[float, float], radii: tuple[float, float], soft_px: float, degrees: float = 0.0
) -> np.ndarray:
    """Return how much each pixel is covered, (300, 300, 1) in [0, 1]; what is near a lens has no sharp edge."""
    mask = np.zeros((SIDE, SIDE), np.float32)
    at = (round(middle[0] * SIDE), round(middle[1] * SIDE))
    size = (round(radii[0] * SIDE), round(radii[1] * SIDE))
    cv2.ellipse(mask, at, size, degrees, 0, 360, 1.0, -1)
    return cv2.GaussianBlur(mask, (0, 0), soft_px)[..., None]


def _side(share: float, soft_px: float, *, upper: bool) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), np.float32)
    covered = mask[: round(share * SIDE)] if upper else mask[:, : round(share * SIDE)]
    covered[...] = 1.0
    return cv2.GaussianBlur(mask, (0, 0), soft_px)[..., None]


def _laid_over(
    picture: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int], since_s: float
) -> np.ndarray:
    """Lay something over the picture: lit a little unevenly, with the noise of the sensor."""
    shade = np.linspace(0.9, 1.1, SIDE)[None, :, None]
    noise = np.random.default_rng(int(1000 * since_s)).normal(0, 0.8, (SIDE, SIDE, 1))
    laid = np.array(colour, np.float32) * shade + noise
    both: np.ndarray = np.clip(picture * (1 - mask) + laid * mask, 0, 255).astype(np.uint8)
    return both


def _half(picture: np.ndarray, since_s: float) -> np.ndarray:
    return _laid_over(picture, _side(0.5, 9, upper=False), (92, 66, 54), since_s)


def _third(picture: np.ndarray, since_s: float) -> np.ndarray:
    return _laid_over(picture, _side(0.34, 6, upper=True), (38, 38, 42), since_s)


def _patch(picture: np.ndarray, since_s: float) -> np.ndarray:
    mask = np.maximum(
        _ellipse((0.42, 0.5), (0.15, 0.13), 5), _ellipse((0.54, 0.58), (0.12, 0.14), 5)
    )
    return _laid_over(picture, mask, (168, 168, 172), since_s)


def _leaf(picture: np.ndarray, since_s: float) -> np.ndarray:
    sway = 0.015 * np.sin(3.0 * since_s)
    mask = _ellipse((0.5 + sway, 0.6), (0.22, 0.13), 6, 30 + 200 * sway)
    return _laid_over(picture, 0.95 * mask, (58, 96, 40), since_s)


def _drop(picture: np.ndarray, _: float) -> np.ndarray:
    """Show the scene upside down and out of focus within the drop, as water does."""
    mask = _ellipse((0.5, 0.55), (0.16, 0.18), 4)
    turned = cv2.GaussianBlur(picture[::-1, ::-1], (0, 0), 9) + 8.0
    wet: np.ndarray = np.clip(picture * (1 - mask) + turned * mask, 0, 255).astype(np.uint8)
    return wet


def darkened(picture: np.ndarray, at_s: float) -> np.ndarray:
    """Show a scene at dusk: a third of the light, and the noise of the sensor."""
    noise = np.random.default_rng(int(1000 * at_s)).normal(0, 2, picture.shape)
    dark: np.ndarray = np.clip(picture * 0.35 + noise, 0, 255).astype(np.uint8)
    return dark


# what hides a part of the view; the rest stays as it was
PARTLY: dict[str, Change] = {
    "half covered": _half,
    "upper third covered": _third,
    "a sprayed patch": _patch,
    "a drop": _drop,
    "a leaf": _leaf,
}
