"""Frames and detections without a model."""

from __future__ import annotations

import numpy as np
from people import stamp

from domain.detections import Detections
from domain.frames import SampledFrame


def sampled(at_s: float, camera_id: str = "north") -> SampledFrame:
    """Make a black frame."""
    return SampledFrame(stamp(at_s, camera_id), np.zeros((300, 300, 3), np.uint8))


def detections(
    at_s: float, boxes: list[tuple[float, float, float, float]], camera_id: str = "north"
) -> Detections:
    """People at these boxes, pixels of a 768x576 frame."""
    return Detections(
        frame=stamp(at_s, camera_id),
        boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.full(len(boxes), 0.8, np.float32),
        class_ids=np.ones(len(boxes), np.int64),
    )
