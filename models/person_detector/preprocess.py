"""Prepare a picture for the detector: all of it, squeezed to a square."""

from __future__ import annotations

import cv2
import numpy as np

SIDE_PX = 300


def squeeze(image_rgb: np.ndarray) -> np.ndarray:
    """Shrink (h, w, 3) uint8 to (300, 300, 3) uint8 RGB, without regard to its aspect."""
    if image_rgb.shape == (SIDE_PX, SIDE_PX, 3):
        return image_rgb
    # what TensorFlow's own pre-processing did; averaging instead moves the scores by a few percent
    return cv2.resize(image_rgb, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)
