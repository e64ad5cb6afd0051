"""Find what a picture shows that is not there most of the time: people whom no detector found, too."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

# compared small: a head of twelve pixels is still five, and noise is averaged away
COMPARED_WIDTH_PX = 320
# of 255: above what compression and shadows do to still ground
LEAST_DIFFERENCE = 26
# pixels of the small picture that are added around what differs
GROWN_PX = 4
# fewer pictures than this say nothing about what is usually there
LEAST_PICTURES = 5
MOST_PICTURES = 25


class Background:
    """The middle value of each pixel over a clip's pictures."""

    def __init__(self, images_rgb: Iterable[np.ndarray]) -> None:
        """Learn the middle of (h, w, 3) uint8 pictures spread over the clip; at most 25 are taken."""
        small = [shrink(image) for image, _ in zip(images_rgb, range(MOST_PICTURES), strict=False)]
        self._usual: np.ndarray | None = None
        if len(small) >= LEAST_PICTURES and len({image.shape for image in small}) == 1:
            self._usual = np.median(np.stack(small), axis=0).astype(np.int16)

    @property
    def is_known(self) -> bool:
        """Tell whether there were enough pictures; if not, nothing can be said to move."""
        return self._usual is not None

    def differing(self, image_rgb: np.ndarray) -> np.ndarray:
        """Find where a picture differs from the usual, (h, w) bool; nowhere if that is not known."""
        height, width = image_rgb.shape[:2]
        small = shrink(image_rgb).astype(np.int16)
        if self._usual is None or small.shape != self._usual.shape:
            return np.zeros((height, width), bool)
        change = small - self._usual
        # light that changes everywhere moves nobody
        change -= np.median(change[::4, ::4].reshape(-1, 3), axis=0).astype(np.int16)
        differs = (np.abs(change).max(axis=2) > LEAST_DIFFERENCE).astype(np.uint8)
        differs = cv2.morphologyEx(differs, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        grown = cv2.dilate(differs, np.ones((2 * GROWN_PX + 1, 2 * GROWN_PX + 1), np.uint8))
        return cv2.resize(grown, (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)


def shrink(image_rgb: np.ndarray) -> np.ndarray:
    """Return (h, w, 3) uint8, at most COMPARED_WIDTH_PX wide and a little blurred, for comparing."""
    height, width = image_rgb.shape[:2]
    share = min(1.0, COMPARED_WIDTH_PX / width)
    size = (max(1, round(share * width)), max(1, round(share * height)))
    small: np.ndarray = cv2.resize(image_rgb, size, interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small, (3, 3), 0)
