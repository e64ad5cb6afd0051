"""Prepare a crop for the embedder: fitted into a grey square, its aspect kept."""

from __future__ import annotations

import cv2
import numpy as np

from domain.errors import PutAside

SIDE_PX = 280
GREY = 127


def fit(crop_rgb: np.ndarray) -> np.ndarray:
    """Fit a crop into (280, 280, 3) uint8 RGB; keeping the aspect told people apart better.

    Raises:
        PutAside: it is not (h, w, 3) with h and w at least 1.
    """
    if crop_rgb.ndim != 3 or crop_rgb.shape[2] != 3 or 0 in crop_rgb.shape:
        raise PutAside(f"a crop should be (h, w, 3) with h, w of 1 at least, got {crop_rgb.shape}")
    height, width = crop_rgb.shape[:2]
    scale = SIDE_PX / max(height, width)
    new_height, new_width = max(1, round(height * scale)), max(1, round(width * scale))
    square = np.full((SIDE_PX, SIDE_PX, 3), GREY, np.uint8)
    top, left = (SIDE_PX - new_height) // 2, (SIDE_PX - new_width) // 2
    square[top : top + new_height, left : left + new_width] = cv2.resize(
        np.ascontiguousarray(crop_rgb, np.uint8), (new_width, new_height)
    )
    return square
