"""Known pictures and the original graph's answers to them, to compare with.

golden/answers.json and its pictures were made by make_golden.py; the file's head says from what.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from domain.detections import Detections
from models.person_detector.postprocess import PERSON

FOLDER = Path(__file__).with_name("golden")
ANSWERS = FOLDER / "answers.json"

CLEAR_SCORE = 0.5  # persons that any precision must find
SAME_IOU = 0.5
MAX_SCORE_DRIFT = 0.15  # half precision moved scores by 0.02 at most here, 8-bit weights by 0.15


@dataclass(frozen=True, slots=True, eq=False)
class GoldenPicture:
    """One picture and the persons that the original graph found in it, in single precision."""

    name: str
    image_rgb: np.ndarray  # (300, 300, 3) uint8
    boxes_xyxy: np.ndarray  # (n, 4) float32, pixels of image_rgb
    scores: np.ndarray  # (n,) float32, at least 0.3


def read_golden() -> list[GoldenPicture]:
    """Read the pictures and answers that are kept in the repository."""
    answers = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return [
        GoldenPicture(
            name=picture["file"],
            image_rgb=read_picture(FOLDER / picture["file"]),
            boxes_xyxy=np.array(picture["boxes_xyxy"], np.float32).reshape(-1, 4),
            scores=np.array(picture["scores"], np.float32),
        )
        for picture in answers["pictures"]
    ]


def read_picture(path: Path) -> np.ndarray:
    """Read a picture as (h, w, 3) uint8 RGB; FileNotFoundError: it is missing or no picture."""
    image_bgr = cv2.imread(str(path))
    if image_bgr is None:
        raise FileNotFoundError(path)
    return cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB)


def differences(golden: GoldenPicture, came: Detections) -> list[str]:
    """Say how an answer differs from the original's by more than precision explains; [] if it agrees.

    The boxes that came are in pixels of the 300 x 300 picture.
    """
    is_person = came.class_ids == PERSON
    boxes, scores = came.boxes_xyxy[is_person], came.scores[is_person]
    faults = []
    for box, score in zip(golden.boxes_xyxy, golden.scores, strict=True):
        if score < CLEAR_SCORE:
            continue
        same = iou_with(box, boxes) > SAME_IOU
        if not same.any():
            faults.append(f"{golden.name}: no person at {_where(box)}, expected {score:.2f}")
        elif abs(best := scores[same].max() - score) > MAX_SCORE_DRIFT:
            faults.append(f"{golden.name}: person at {_where(box)} moved by {best:+.2f}")
    for box, score in zip(boxes, scores, strict=True):
        if score >= CLEAR_SCORE and not (iou_with(box, golden.boxes_xyxy) > SAME_IOU).any():
            faults.append(f"{golden.name}: person {score:.2f} at {_where(box)}, expected none")
    return faults


def iou_with(box_xyxy: np.ndarray, boxes_xyxy: np.ndarray) -> np.ndarray:
    """Compute the overlap of one box with n others: (n,) in [0, 1]."""
    upper = np.maximum(box_xyxy[:2], boxes_xyxy[:, :2])
    lower = np.minimum(box_xyxy[2:], boxes_xyxy[:, 2:])
    shared = np.prod(np.clip(lower - upper, 0, None), axis=1)
    areas = np.prod(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], axis=1)
    own = np.prod(box_xyxy[2:] - box_xyxy[:2])
    overlap: np.ndarray = shared / np.maximum(own + areas - shared, 1e-9)
    return overlap


def _where(box: np.ndarray) -> str:
    return "[" + ", ".join(f"{side:.0f}" for side in box) + "]"
