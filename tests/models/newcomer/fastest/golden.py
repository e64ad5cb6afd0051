"""Ask about the usual detector's known pictures: whoever is clear there is to be found by this one, too."""

from __future__ import annotations

import cv2
import numpy as np

from models.contract import Answer
from models.person_detector.golden import iou_with, read_golden, stamp_of
from models.person_detector.postprocess import PERSON, to_detections

SIDE_PX = 352
CLEAR_SCORE, SAME_IOU = 0.6, 0.4


def questions() -> list[np.ndarray]:
    """Return the known pictures as it takes them."""
    return [cv2.resize(picture.image_rgb, (SIDE_PX, SIDE_PX)) for picture in read_golden()]


def faults(answers: list[Answer]) -> list[str]:
    """Say who of those that are clear was not found."""
    missed = []
    for picture, answer in zip(read_golden(), answers, strict=True):
        came = to_detections(stamp_of(picture), answer)
        people = came.boxes_xyxy[came.class_ids == PERSON]
        clear = picture.boxes_xyxy[picture.scores >= CLEAR_SCORE]
        if any(not (iou_with(box, people) > SAME_IOU).any() for box in clear):
            missed.append(f"{picture.name}: somebody was not found")
    return missed
