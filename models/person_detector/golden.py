"""Known pictures and the original graph's answers to them, to compare with.

golden/answers.json and its pictures were made by make_golden.py; the file's head says from what.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from domain.detections import Detections
from domain.frames import FrameStamp
from models.contract import Answer
from models.person_detector.postprocess import PERSON, to_detections
from models.person_detector.preprocess import SIDE_PX

FOLDER = Path(__file__).with_name("golden")
ANSWERS = FOLDER / "answers.json"

CLEAR_SCORE = 0.5  # persons that any precision must find
SAME_IOU = 0.5
MAX_SCORE_DRIFT = 0.15  # half precision moved scores by 0.02 at most here, 8-bit weights by 0.15


@dataclass(frozen=True, slots=True, eq=False)
class GoldenPicture:
    """One picture and the persons that the original graph found in it, in single precision."""

    name: str
    image_rgb: np.ndarray  # (side, side, 3) uint8
    boxes_xyxy: np.ndarray  # (n, 4) float32, pixels of image_rgb
    scores: np.ndarray  # (n,) float32, at least 0.3


def questions() -> list[np.ndarray]:
    """Return the known pictures, each (300, 300, 3) uint8 RGB."""
    return [picture.image_rgb for picture in read_golden()]


def faults(answers: list[Answer]) -> list[str]:
    """Say how answers to the questions, one each, differ from the original's; [] if they agree."""
    return [
        fault
        for picture, answer in zip(read_golden(), answers, strict=True)
        for fault in differences(picture, to_detections(stamp_of(picture), answer))
    ]


def stamp_of(picture: GoldenPicture) -> FrameStamp:
    """Make a stamp whose pixels are the picture's own."""
    height_px, width_px = picture.image_rgb.shape[:2]
    taken_at = datetime(2026, 1, 1, tzinfo=UTC)
    return FrameStamp(picture.name, 0, Fraction(1), 0.0, taken_at, width_px, height_px)


def read_golden(answers_file: Path = ANSWERS, side_px: int = SIDE_PX) -> list[GoldenPicture]:
    """Read the pictures, squeezed to a detector's side, and its answers that are kept in the repository."""
    answers = json.loads(answers_file.read_text(encoding="utf-8"))
    return [
        GoldenPicture(
            name=picture["file"],
            image_rgb=read_squeezed(FOLDER / picture["file"], side_px),
            boxes_xyxy=np.array(picture["boxes_xyxy"], np.float32).reshape(-1, 4),
            scores=np.array(picture["scores"], np.float32),
        )
        for picture in answers["pictures"]
    ]


def read_squeezed(path: Path, side_px: int) -> np.ndarray:
    """Read a picture as (side_px, side_px, 3) uint8 RGB; FileNotFoundError: see read_picture()."""
    picture = read_picture(path)
    if picture.shape[:2] == (side_px, side_px):
        return picture
    return cv2.resize(picture, (side_px, side_px), interpolation=cv2.INTER_AREA)


def read_picture(path: Path) -> np.ndarray:
    """Read a picture as (h, w, 3) uint8 RGB; FileNotFoundError: it is missing or no picture."""
    image_bgr = cv2.imread(str(path))
    if image_bgr is None:
        raise FileNotFoundError(path)
    return cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB)


def differences(golden: GoldenPicture, came: Detections) -> list[str]:
    """Say how an answer differs from the original's by more than precision explains; [] if it agrees.

    The boxes that came are in pixels of that picture.
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
