"""Turn CenterFace's maps into boxes in pixels.

The heatmap's peaks are the middles of faces; scale and offset are read there.
Source: Xu et al., CenterFace: Joint Face Detection and Alignment Using Face as Point, 2019
(arXiv:1911.03599), section 3.
"""

from __future__ import annotations

import numpy as np

MAX_IOU = 0.3


def to_boxes(
    heatmap: np.ndarray,
    scale: np.ndarray,
    offset: np.ndarray,
    image_height_px: int,
    image_width_px: int,
    min_score: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Read the faces of one picture.

    Args:
        heatmap: (h, w) float32 in [0, 1].
        scale: (2, h, w) float32: logarithm of height, width in cells.
        offset: (2, h, w) float32: down, right of the cell's corner, in cells.
        image_height_px: of the picture that the boxes are wanted for.
        image_width_px: likewise.
        min_score: weaker peaks are left out; in [0, 1].
    Returns:
        boxes (k, 4) float32, left, top, right, bottom in the picture's pixels, and scores (k,)
        float32, best first; k is 0 where there is no face.
    """
    rows, columns = np.nonzero(heatmap >= min_score)
    scores = heatmap[rows, columns].astype(np.float32)
    best_first = np.argsort(-scores, kind="stable")
    rows, columns, scores = rows[best_first], columns[best_first], scores[best_first]

    heights, widths = np.exp(scale[:, rows, columns])
    down, right = offset[:, rows, columns]
    middle_y, middle_x = rows + down + 0.5, columns + right + 0.5
    middle, half = np.stack([middle_x, middle_y], axis=1), np.stack([widths, heights], axis=1) / 2
    cells = np.concatenate([middle - half, middle + half], axis=1)
    map_height, map_width = heatmap.shape
    to_pixels = np.array([image_width_px / map_width, image_height_px / map_height] * 2)
    limits = np.array([image_width_px, image_height_px] * 2)
    boxes = np.clip(cells * to_pixels, 0, limits).astype(np.float32).reshape(-1, 4)
    kept = _suppress(boxes)
    return boxes[kept], scores[kept]


def _suppress(boxes_xyxy: np.ndarray) -> np.ndarray:
    """Return the rows to keep: each box that no better kept one overlaps by more than MAX_IOU."""
    areas = (boxes_xyxy[:, 2] - boxes_xyxy[:, 0]) * (boxes_xyxy[:, 3] - boxes_xyxy[:, 1])
    waiting = np.arange(len(boxes_xyxy))
    kept = []
    while len(waiting):
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        upper = np.maximum(boxes_xyxy[best, :2], boxes_xyxy[waiting, :2])
        lower = np.minimum(boxes_xyxy[best, 2:], boxes_xyxy[waiting, 2:])
        shared = np.prod(np.clip(lower - upper, 0, None), axis=1)
        either = np.maximum(areas[best] + areas[waiting] - shared, 1e-9)
        waiting = waiting[shared / either <= MAX_IOU]
    return np.array(kept, np.int64)
