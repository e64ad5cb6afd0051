"""Describe the colours that people wear, from the little picture that the detector looks at.

Histograms of hue, saturation and brightness of the upper and the lower body; at these sizes they
tell people apart better than deep features of general image models (models/appearance.py, which
does the same on full crops). Nothing of the picture is kept but counts of colours.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from domain.detections import Detections
from domain.frames import SampledFrame

PERSON = 1  # COCO's category id
MIN_SCORE = 0.2  # weaker boxes are not followed
MIN_HEIGHT_PX, MIN_WIDTH_PX = 12, 4  # of the little picture; below, it is mostly background
_HUES, _SATURATIONS, _BRIGHTNESSES = 8, 4, 4
_BINS = _HUES * _SATURATIONS * _BRIGHTNESSES
_BODY_PARTS = ((0.1, 0.5), (0.5, 0.9))  # of the box's height: without head and feet
_MIDDLE = (0.25, 0.75)  # of the box's width: less background
_MAX_ROWS = 40  # of a part; a near person has more pixels than the counts need
SIZE = len(_BODY_PARTS) * _BINS
_ENOUGH_LIGHT = 0.15  # share of a person that is brighter than black clothes are at day
_LEVELS = 32  # colours are looked up by their highest five bits
_PLACES = np.array([_LEVELS**2, _LEVELS, 1], np.int64)  # of red, green and blue in the table


def with_appearances(seen: Detections, frame: SampledFrame) -> Detections:
    """Add to detections what the people in them look like.

    Returns:
        Detections whose `appearances` are (n, 256) float16: unit length, so that the dot product
        of two is 1 for the same colours and 0 for none in common (Bhattacharyya's coefficient);
        all 0 for other classes, weak scores and boxes of too few pixels.
    """
    appearances = np.zeros((len(seen), SIZE), np.float16)
    height, width = frame.image_rgb.shape[:2]
    scale = np.array([width / frame.stamp.width_px, height / frame.stamp.height_px] * 2)
    boxes = seen.boxes_xyxy * scale
    for row in np.flatnonzero((seen.class_ids == PERSON) & (seen.scores >= MIN_SCORE)):
        x1, y1, x2, y2 = boxes[row].tolist()
        if x2 - x1 >= MIN_WIDTH_PX and y2 - y1 >= MIN_HEIGHT_PX:
            appearances[row] = _describe(frame.image_rgb, x1, y1, x2, y2)
    return replace(seen, appearances=appearances)


def lightness(looks: np.ndarray) -> np.ndarray:
    """Return how much colours say of a person, (n,) in [0, 1]: 0 where all of them are too dark to differ.

    Args:
        looks: (n, 256) as `with_appearances` makes them, or means of such.
    """
    counts = looks.astype(np.float32).reshape(-1, SIZE // _BRIGHTNESSES, _BRIGHTNESSES) ** 2
    share: np.ndarray = counts[..., 1:].sum(axis=(1, 2))
    return np.minimum(share / _ENOUGH_LIGHT, 1.0)


def _describe(image_rgb: np.ndarray, x1: float, y1: float, x2: float, y2: float) -> np.ndarray:
    columns = _span(x1, x2, _MIDDLE, image_rgb.shape[1])
    described = np.zeros(SIZE, np.float32)
    for part, share in enumerate(_BODY_PARTS):
        rows = _span(y1, y2, share, image_rgb.shape[0])
        step = 1 + (rows.stop - rows.start) // _MAX_ROWS
        levels = image_rgb[rows.start : rows.stop : step, columns].reshape(-1, 3) >> 3
        counts = np.bincount(_BIN_OF.take(levels @ _PLACES), minlength=_BINS)
        described[part * _BINS : (part + 1) * _BINS] = counts / len(levels)
    return np.sqrt(described / len(_BODY_PARTS))


def _span(low: float, high: float, share: tuple[float, float], limit: int) -> slice:
    """Return a part of a side, inside the picture; one pixel at least."""
    start = min(max(int(low + share[0] * (high - low)), 0), limit - 1)
    end = min(max(int(np.ceil(low + share[1] * (high - low))), start + 1), limit)
    return slice(start, end)


def _bins() -> np.ndarray:
    """Return each colour's bin of the histogram, (32 * 32 * 32,) int64, by red, green and blue level."""
    level = (np.arange(_LEVELS) * 8 + 4) / 255
    red, green, blue = np.meshgrid(level, level, level, indexing="ij")
    most, least = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    spread = most - least
    safe = np.where(spread == 0, 1, spread)
    hue = np.select(
        [most == red, most == green],
        [(green - blue) / safe % 6, (blue - red) / safe + 2],
        (red - green) / safe + 4,
    )
    hue = np.where(spread == 0, 0, hue) / 6
    hues = np.minimum((hue * _HUES).astype(np.int64), _HUES - 1)
    saturations = np.minimum((spread / most * _SATURATIONS).astype(np.int64), _SATURATIONS - 1)
    brightnesses = np.minimum((most * _BRIGHTNESSES).astype(np.int64), _BRIGHTNESSES - 1)
    bins: np.ndarray = (hues * _SATURATIONS + saturations) * _BRIGHTNESSES + brightnesses
    return bins.ravel()


_BIN_OF = _bins()
