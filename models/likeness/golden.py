"""Known persons and the vectors that the original network gave them, to compare with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from models.contract import Answer
from models.embedder.postprocess import to_unit_length
from models.likeness.preprocess import squeeze
from models.person_detector.golden import read_golden as read_persons

ANSWERS = Path(__file__).with_name("golden") / "answers.json"
MIN_COSINE = 0.99


def questions() -> list[np.ndarray]:
    """Return the known persons as the network takes them."""
    return [squeeze(crop) for crop in golden_crops()]


def faults(answers: list[Answer]) -> list[str]:
    """Say how their vectors differ from the original's; [] if they agree; Stop: they are none."""
    vectors = np.stack([answer["reid_embedding"] for answer in answers])
    return differences(read_golden(), to_unit_length(vectors, "the likeness model"))


def golden_crops() -> list[np.ndarray]:
    """Cut the best seen person out of each of the detector's known street pictures: (h, w, 3) uint8 RGB."""
    crops = []
    for picture in read_persons():
        left, top, right, bottom = picture.boxes_xyxy[picture.scores.argmax()].round().astype(int)
        crops.append(picture.image_rgb[max(top, 0) : bottom, max(left, 0) : right])
    return crops


def read_golden() -> np.ndarray:
    """Read the original network's vectors: (n, 256) float32 of unit length."""
    vectors = np.array(json.loads(ANSWERS.read_text(encoding="utf-8"))["vectors"], np.float32)
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def differences(golden: np.ndarray, came: np.ndarray) -> list[str]:
    """Say how vectors differ by more than precision explains; [] if they agree."""
    cosines = (golden * came).sum(axis=1)
    return [
        f"person {row + 1}'s vector has cosine {cosine:.3f} with the expected one"
        for row, cosine in enumerate(cosines.tolist())
        if not cosine >= MIN_COSINE
    ]
