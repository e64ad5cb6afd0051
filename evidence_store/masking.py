"""Make faces unrecognisable in the pixels themselves, not by something laid over them."""

from __future__ import annotations

import numpy as np

# blocks across a face: at 4 x 4 colours nothing of a face is left to match
BLOCKS = 4


def mask_regions(image_rgb: np.ndarray, boxes_xyxy: np.ndarray, margin: float = 0.25) -> np.ndarray:
    """Copy a picture with each box replaced by at most 4 x 4 flat blocks.

    Every block takes its mean colour, rounded to 32 steps: the original pixels cannot be computed back.

    Args:
        image_rgb: (h, w, 3) uint8.
        boxes_xyxy: (n, 4) pixels; may reach outside the picture; n may be 0.
        margin: how much wider and higher than the box, as a share of it, on every side.
    Returns:
        a new (h, w, 3) uint8 picture.
    """
    masked = image_rgb.copy()
    height, width = image_rgb.shape[:2]
    for x0, y0, x1, y1 in np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 4):
        wider, higher = (x1 - x0) * margin, (y1 - y0) * margin
        left, right = _within(x0 - wider, x1 + wider, width)
        top, bottom = _within(y0 - higher, y1 + higher, height)
        if right > left and bottom > top:
            _flatten(masked[top:bottom, left:right])
    return masked


def _within(low: float, high: float, size: int) -> tuple[int, int]:
    return max(0, int(np.floor(low))), min(size, int(np.ceil(high)))


def _flatten(region: np.ndarray) -> None:
    """Overwrite a region, in place, with its blocks' mean colours."""
    rows = np.array_split(np.arange(region.shape[0]), min(BLOCKS, region.shape[0]))
    columns = np.array_split(np.arange(region.shape[1]), min(BLOCKS, region.shape[1]))
    for row in rows:
        for column in columns:
            block = region[row[0] : row[-1] + 1, column[0] : column[-1] + 1]
            block[...] = (block.reshape(-1, 3).mean(axis=0) // 8 * 8).astype(np.uint8)
