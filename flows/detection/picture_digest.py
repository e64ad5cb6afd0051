"""Digest a sampled frame to the little that picture_health judges by; on the worker that read it."""

from __future__ import annotations

import cv2
import numpy as np

from domain.frames import SampledFrame
from domain.picture_digest import CELL_SIDE, LAYOUT_SIDE, SHARPNESS_SIDE, PictureDigest
from flows.sources.sampler import GRID_SLACK

COARSE_SIDE = 100  # three pixels a side averaged: noise goes, and detail that matters stays
LOOKS_PER_S = 2.5  # of each camera: faults have to last for a second or more


class PictureDigester:
    """Looks at some frames of each camera; which, depends on their own times alone."""

    def __init__(self, looks_per_s: float = LOOKS_PER_S) -> None:
        self._looks_per_s = looks_per_s
        self._last_cell: dict[str, int] = {}

    def look(self, frame: SampledFrame) -> PictureDigest | None:
        """Digest a picture; None where one of this camera was digested just before."""
        cell = int(frame.stamp.media_time_s * self._looks_per_s + GRID_SLACK)
        if cell == self._last_cell.get(frame.stamp.camera_id):
            return None
        self._last_cell[frame.stamp.camera_id] = cell
        return look_at(frame.image_rgb)


def look_at(image_rgb: np.ndarray) -> PictureDigest:
    """Shrink a picture to its layout and the sharpness of its tiles.

    `image_rgb` is (300, 300, 3) uint8; any other size of at least 40 x 40 does as well.
    """
    grey = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2GRAY)
    coarse = _shrink(grey, COARSE_SIDE)
    return PictureDigest(
        layout=_shrink(grey, LAYOUT_SIDE),
        sharpness=_shrink(_fine_detail(grey), SHARPNESS_SIDE, np.float32),
        detail=_shrink(_fine_detail(coarse), CELL_SIDE, np.float32),
    )


def _fine_detail(grey: np.ndarray) -> np.ndarray:
    # the second derivative is what goes first when a lens is out of focus
    return np.abs(cv2.Laplacian(grey, cv2.CV_16S, ksize=1))


def _shrink(picture: np.ndarray, side: int, dtype: type = np.uint8) -> np.ndarray:
    """Average the picture over a grid."""
    as_dtype = picture if picture.dtype == dtype else picture.astype(dtype)
    return cv2.resize(as_dtype, (side, side), interpolation=cv2.INTER_AREA)
