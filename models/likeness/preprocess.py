"""Prepare a person's crop for the likeness model: squeezed, whatever its shape."""

from __future__ import annotations

import cv2
import numpy as np

from domain.errors import PutAside

HEIGHT_PX, WIDTH_PX = 256, 128


def squeeze(crop_rgb: np.ndarray) -> np.ndarray:
    """Squeeze a crop into (256, 128, 3) uint8 RGB; the network was trained on people drawn so.

    Raises:
        PutAside: it is not (h, w, 3) with h and w at least 1.
    """
    if crop_rgb.ndim != 3 or crop_rgb.shape[2] != 3 or 0 in crop_rgb.shape:
        raise PutAside(f"a crop should be (h, w, 3) with h, w of 1 at least, got {crop_rgb.shape}")
    plain = np.ascontiguousarray(crop_rgb, np.uint8)
    squeezed: np.ndarray = cv2.resize(plain, (WIDTH_PX, HEIGHT_PX))
    return squeezed
