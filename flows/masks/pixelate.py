"""Make people unrecognisable in the pixels themselves, not by something laid over them."""

from __future__ import annotations

import numpy as np

# blocks across a face or a body: at 4 x 4 colours nothing of it is left to match
BLOCKS = 4
# across the whole picture's height, where what moves is hidden without anybody having been found
MOSAIC_ROWS = 16


def mask_regions(image_rgb: np.ndarray, boxes_xyxy: np.ndarray, margin: float = 0.25) -> np.ndarray:
    """Copy an (h, w, 3) uint8 picture with each box replaced by at most 4 x 4 flat blocks.

    Every block takes its mean colour, rounded to 32 steps: the original pixels cannot be computed back.
    The (n, 4) boxes may reach outside the picture; n may be 0. `margin` is how much wider and higher
    than the box, as a share of it, on every side.
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


def mask_pixels(image_rgb: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Copy a picture with every block of a coarse grid flattened in which a pixel is to be hidden.

    The picture is (h, w, 3) uint8, `hidden` (h, w) bool; whole blocks change, so a little more than
    asked is hidden.
    """
    masked = image_rgb.copy()
    height, width = hidden.shape
    side = max(8, -(-height // MOSAIC_ROWS))
    rows, columns = np.arange(0, height, side), np.arange(0, width, side)
    blocks = np.logical_or.reduceat(np.logical_or.reduceat(hidden, rows, axis=0), columns, axis=1)
    for row, column in np.argwhere(blocks):
        top, left = rows[row], columns[column]
        block = masked[top : top + side, left : left + side]
        block[...] = _flat(block.reshape(-1, 3).mean(axis=0))
    return masked


def _within(low: float, high: float, size: int) -> tuple[int, int]:
    return max(0, int(np.floor(low))), min(size, int(np.ceil(high)))


def _flatten(region: np.ndarray) -> None:
    """Overwrite a region, in place, with its blocks' mean colours."""
    height, width = region.shape[:2]
    rows, columns = _starts(height), _starts(width)
    sums = np.add.reduceat(np.add.reduceat(region.astype(np.uint32), rows, axis=0), columns, axis=1)
    high, wide = np.diff([*rows, height]), np.diff([*columns, width])
    flat = _flat(sums / (high[:, None] * wide)[..., None])
    region[...] = flat.repeat(high, axis=0).repeat(wide, axis=1)


def _starts(size: int) -> np.ndarray:
    """Return where blocks begin along one side."""
    blocks = min(BLOCKS, size)
    starts: np.ndarray = np.arange(blocks) * size // blocks
    return starts


def _flat(mean: np.ndarray) -> np.ndarray:
    return (mean // 8 * 8).astype(np.uint8)
