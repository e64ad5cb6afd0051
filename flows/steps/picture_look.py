"""A sampled frame in, the little that picture_health judges by out; on the worker that read it."""

from __future__ import annotations

import cv2
import numpy as np

from domain.frames import SampledFrame
from domain.looks import LAYOUT_SIDE, SHARPNESS_SIDE, PictureLook
from flows.sources.sampler import GRID_SLACK

LOOKS_PER_S = 2.5  # of each camera: faults have to last for a second or more


class Looker:
    """Looks at some frames of each camera; which, depends on their own times alone."""

    def __init__(self, looks_per_s: float = LOOKS_PER_S) -> None:
        self._looks_per_s = looks_per_s
        self._last_cell: dict[str, int] = {}

    def look(self, frame: SampledFrame) -> PictureLook | None:
        """None where a picture of this camera was looked at just before."""
        cell = int(frame.stamp.media_time_s * self._looks_per_s + GRID_SLACK)
        if cell == self._last_cell.get(frame.stamp.camera_id):
            return None
        self._last_cell[frame.stamp.camera_id] = cell
        return look_at(frame.image_rgb)


def look_at(image_rgb: np.ndarray) -> PictureLook:
    """Shrink a picture to its layout and the sharpness of its tiles.

    Args:
        image_rgb: (300, 300, 3) uint8; any other size of at least 40 x 40 does as well.
    """
    grey = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2GRAY)
    # the second derivative is what goes first when a lens is out of focus
    detail = np.abs(cv2.Laplacian(grey, cv2.CV_16S, ksize=1)).astype(np.uint16)
    return PictureLook(
        layout=_shrink(grey, LAYOUT_SIDE),
        sharpness=_shrink(detail, SHARPNESS_SIDE, np.float32),
    )


def _shrink(picture: np.ndarray, side: int, dtype: type = np.uint8) -> np.ndarray:
    """Means over a grid."""
    as_dtype = picture if picture.dtype == dtype else picture.astype(dtype)
    return cv2.resize(as_dtype, (side, side), interpolation=cv2.INTER_AREA)
