"""Known crop and the vector that the original network gave it, to compare with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from models.contract import Answer
from models.embedder.postprocess import to_unit_length
from models.embedder.preprocess import fit
from models.face_detector.golden import golden_picture

ANSWERS = Path(__file__).with_name("golden") / "answers.json"
MIN_COSINE = 0.97  # the network's activations have 8 bits: other kernels round otherwise


def questions() -> list[np.ndarray]:
    """Return the known crop as the embedder takes it."""
    return [fit(golden_crop())]


def faults(answers: list[Answer]) -> list[str]:
    """Say how its answer differs from the original's; [] if it agrees; Stop: it is no vector."""
    vectors = to_unit_length(np.stack([answer["embedding"] for answer in answers]))
    return differences(read_golden(), vectors[0])


def golden_crop() -> np.ndarray:
    """Cut the portrait out of its canvas: (160, 130, 3) uint8 RGB."""
    return golden_picture()[200:360, 300:430]


def read_golden() -> np.ndarray:
    """Read the original network's vector: (1280,) float32 of unit length."""
    answers = json.loads(ANSWERS.read_text(encoding="utf-8"))
    vector = np.array(answers["embedding"], np.float32)
    return vector / np.linalg.norm(vector)


def differences(golden: np.ndarray, came: np.ndarray) -> list[str]:
    """Say how a vector differs by more than precision explains; [] if it agrees."""
    cosine = float(golden @ came)
    if cosine >= MIN_COSINE:
        return []
    return [f"the portrait's vector has cosine {cosine:.3f} with the expected one"]
