"""Prepare a picture for the face detector: squeezed to the size that it was built for."""

from __future__ import annotations

import cv2
import numpy as np

from domain.errors import PutAside


def squeeze(image_rgb: np.ndarray, height_px: int, width_px: int) -> np.ndarray:
    """Resize a picture to (height_px, width_px, 3) uint8 RGB; PutAside where it is none."""
    if image_rgb.ndim != 3 or image_rgb.shape[2] != 3 or 0 in image_rgb.shape:
        raise PutAside(f"a picture should be (h, w, 3), got {image_rgb.shape}")
    if image_rgb.shape[:2] == (height_px, width_px):
        return image_rgb
    return cv2.resize(np.ascontiguousarray(image_rgb, np.uint8), (width_px, height_px))
