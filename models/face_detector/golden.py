"""Known portrait and the face that the original network found in it, to compare with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from models.contract import Answer
from models.face_detector.postprocess import to_boxes

FOLDER = Path(__file__).with_name("golden")
ANSWERS = FOLDER / "answers.json"
CANVAS_HEIGHT_PX, CANVAS_WIDTH_PX = 576, 768
PORTRAIT_AT = (300, 200)  # left, top on the grey canvas

MAX_SHIFT_PX = 4.0  # one cell of the maps
MAX_SCORE_DRIFT = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class GoldenFace:
    """The picture and its one face."""

    image_rgb: np.ndarray  # (576, 768, 3) uint8
    box_xyxy: np.ndarray  # (4,) float32, pixels
    score: float


MIN_SCORE = 0.3


def questions() -> list[np.ndarray]:
    """Return the picture."""
    return [golden_picture()]


def faults(answers: list[Answer]) -> list[str]:
    """Say how the answer differs from the original's; [] if it agrees."""
    heatmap, scale, offset = (answers[0][name] for name in ("heatmap", "scale", "offset"))
    size_px = CANVAS_HEIGHT_PX, CANVAS_WIDTH_PX
    return differences(read_golden(), *to_boxes(heatmap, scale, offset, *size_px, MIN_SCORE))


def golden_picture() -> np.ndarray:
    """Draw the portrait on a grey canvas: (576, 768, 3) uint8 RGB."""
    portrait_bgr = cv2.imread(str(FOLDER / "portrait.jpg"))
    if portrait_bgr is None:
        raise FileNotFoundError(FOLDER / "portrait.jpg")
    canvas = np.full((CANVAS_HEIGHT_PX, CANVAS_WIDTH_PX, 3), 127, np.uint8)
    (left, top), (height, width) = PORTRAIT_AT, portrait_bgr.shape[:2]
    canvas[top : top + height, left : left + width] = portrait_bgr[..., ::-1]
    return canvas


def read_golden() -> GoldenFace:
    """Read the picture and answer that are kept in the repository."""
    answers = json.loads(ANSWERS.read_text(encoding="utf-8"))
    box = np.array(answers["box_xyxy"], np.float32)
    return GoldenFace(golden_picture(), box, float(answers["score"]))


def differences(golden: GoldenFace, boxes_xyxy: np.ndarray, scores: np.ndarray) -> list[str]:
    """Say how an answer differs by more than precision explains; [] if it agrees."""
    if len(scores) != 1:
        return [f"the portrait should have one face, got {len(scores)}"]
    faults = []
    if (shift := np.abs(boxes_xyxy[0] - golden.box_xyxy).max()) > MAX_SHIFT_PX:
        faults.append(f"the portrait's face is {shift:.1f} pixels away from where it should be")
    if abs(drift := float(scores[0]) - golden.score) > MAX_SCORE_DRIFT:
        faults.append(f"the portrait's face moved by {drift:+.2f} from {golden.score:.2f}")
    return faults
