"""Turn the detector's rows into boxes in pixels."""

from __future__ import annotations

import numpy as np

from domain.detections import Detections
from domain.errors import Stop
from domain.frames import FrameStamp
from models.contract import Answer

BOXES, CLASSES, SCORES = "detection_boxes:0", "detection_classes:0", "detection_scores:0"
WANTED = (BOXES, CLASSES, SCORES)
PERSON = 1  # COCO's category id
MIN_SCORE = 0.05  # the built model gives nothing weaker


def to_detections(stamp: FrameStamp, answer: Answer, min_score: float = MIN_SCORE) -> Detections:
    """Turn one picture's rows into detections, best score first.

    Args:
        stamp: of the frame; has the picture's size in pixels.
        answer: BOXES (100, 4) float32: top, left, bottom, right as fractions of the picture; CLASSES
            (100,) float32, COCO category ids; SCORES (100,) float32 in [0, 1], 0 marks an unused row.
        min_score: weaker rows are left out.
    Raises:
        Stop: a number is not finite: the model or its server is broken.
    """
    boxes, classes, scores = (answer[name] for name in WANTED)
    used = scores >= max(min_score, MIN_SCORE)
    boxes, scores = boxes[used], scores[used]
    if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
        raise Stop(f"{stamp.camera_id}: the detector answered with numbers that are not finite")
    top, left, bottom, right = boxes.T
    pixels = np.array([stamp.width_px, stamp.height_px] * 2, np.float32)
    return Detections(
        frame=stamp,
        boxes_xyxy=np.stack([left, top, right, bottom], axis=1).astype(np.float32) * pixels,
        scores=scores.astype(np.float32),
        class_ids=classes[used].astype(np.int64),
    )
