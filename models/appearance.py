"""Describe the colours that a person wears, to tell apart people who are seen at the same time.

At the size of people in surveillance footage (about 30 x 80 pixels) this did better than deep
features of general image models, at a hundredth of the cost: of 111 queries among people present
together it ranked the right one first in 72 %, EfficientNet-Lite3 in 62 %.
"""

from __future__ import annotations

import cv2
import numpy as np

from domain.errors import PutAside

_BINS = (8, 4, 4)  # hue, saturation, brightness
_RANGES = (0, 180, 0, 256, 0, 256)  # OpenCV's 8-bit hue ends at 180
_BODY_PARTS = ((0.1, 0.5), (0.5, 0.9))  # of the box's height: without head and feet
_MIDDLE = (0.15, 0.85)  # of the box's width: less background
SIZE = len(_BODY_PARTS) * _BINS[0] * _BINS[1] * _BINS[2]


def describe(crop_rgb: np.ndarray) -> np.ndarray:
    """Describe the colours of the upper and the lower body on (h, w, 3) uint8: the person's box.

    Returns:
        (256,) float32 of unit length; the dot product of two is 1 for the same colours and 0 for
        none in common (square roots of shares: Bhattacharyya's coefficient).
    Raises:
        PutAside: the crop has no pixels.
    """
    if crop_rgb.ndim != 3 or crop_rgb.shape[2] != 3 or 0 in crop_rgb.shape:
        raise PutAside(f"a crop should be (h, w, 3) with h, w of 1 at least, got {crop_rgb.shape}")
    hsv = cv2.cvtColor(np.ascontiguousarray(crop_rgb, np.uint8), cv2.COLOR_RGB2HSV)
    vector = np.concatenate([_histogram(_part(hsv, part)) for part in _BODY_PARTS])
    unit: np.ndarray = np.sqrt(vector / vector.sum()).astype(np.float32)
    return unit


def _part(hsv: np.ndarray, part: tuple[float, float]) -> np.ndarray:
    rows, columns = _span(hsv.shape[0], part), _span(hsv.shape[1], _MIDDLE)
    return np.ascontiguousarray(hsv[rows, columns])


def _span(size: int, part: tuple[float, float]) -> slice:
    start = min(int(size * part[0]), size - 1)
    return slice(start, max(int(size * part[1]), start + 1))  # one pixel at least


def _histogram(hsv: np.ndarray) -> np.ndarray:
    counts = cv2.calcHist([hsv], [0, 1, 2], None, list(_BINS), list(_RANGES)).ravel()
    share: np.ndarray = counts / counts.sum()
    return share
