"""Find the boxes that show one person whole and nobody else: only they say what somebody looks like."""

from __future__ import annotations

import numpy as np

from domain.detections import Detections
from domain.tracks import TrackedFrame
from flows.tracking.matching import overlaps

EDGE_PX = 2.0  # a box that ends nearer to the edge of what is looked at is probably cut by it
CLEAR_MAX_IOU = 0.15  # more, and somebody else's clothes are seen as well


def looked_at(seen: Detections | TrackedFrame) -> np.ndarray:
    """Return the (k, 4) parts of the picture in which the detector looked for people, pixels."""
    if seen.looked_at_xyxy is not None:
        return seen.looked_at_xyxy
    return np.array([[0, 0, seen.frame.width_px, seen.frame.height_px]], np.float32)


def is_whole(boxes_xyxy: np.ndarray, parts_xyxy: np.ndarray) -> np.ndarray:
    """Tell which are whole, (n,) bool: not cut at the sides or feet by the edge of what was looked at."""
    boxes, parts = boxes_xyxy[:, None], parts_xyxy[None]
    return np.asarray(
        (
            (boxes[..., 0] > parts[..., 0] + EDGE_PX)
            & (boxes[..., 2] < parts[..., 2] - EDGE_PX)
            & (boxes[..., 3] < parts[..., 3] - EDGE_PX)
            & (boxes[..., 1] > parts[..., 1] - EDGE_PX)
        ).any(axis=1)
    )


def is_alone(boxes_xyxy: np.ndarray, among_xyxy: np.ndarray) -> np.ndarray:
    """Tell which are alone, (n,) bool: at most one of those boxes, itself as a rule, overlaps it much."""
    return np.asarray((overlaps(boxes_xyxy, among_xyxy) >= CLEAR_MAX_IOU).sum(axis=1) <= 1)
