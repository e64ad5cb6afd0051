"""What the subject looks like, as the vectors that evidence is searched by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from domain.errors import PutAside
from domain.events import OutcomeData
from domain.evidence import APPEARANCE_SIZE, EMBEDDING_SIZE
from evidence_store.footage_clips import FootageClip, grab_sighting
from evidence_store.stills import crop_box
from flows.steps.preserve_gathering import Gathering
from flows.steps.preserve_moments import best_sighting
from flows.steps.preserve_parts import PreserveModels


def describe_subject(
    gathering: Gathering,
    clips: Sequence[FootageClip],
    data: OutcomeData,
    models: PreserveModels,
) -> tuple[np.ndarray, np.ndarray]:
    """Embedding and appearance of the subject where it was seen best; zeros where it was not."""
    best = best_sighting(data)

    def describe() -> tuple[np.ndarray, np.ndarray]:
        image, _ = grab_sighting(clips, best)
        crop = crop_box(image, best.box_xyxy)
        embedding = np.asarray(models.embedder.embed([crop]), np.float32).reshape(-1)
        appearance = np.asarray(models.describe(crop), np.float32).reshape(-1)
        _check_vector("embedding", embedding, EMBEDDING_SIZE)
        _check_vector("appearance", appearance, APPEARANCE_SIZE)
        return embedding, appearance

    described = gathering.attempt("likeness", describe)
    if described is None:
        return np.zeros(EMBEDDING_SIZE, np.float32), np.zeros(APPEARANCE_SIZE, np.float32)
    return described


def _check_vector(name: str, vector: np.ndarray, size: int) -> None:
    if vector.shape != (size,) or not np.isfinite(vector).all():
        raise PutAside(f"the {name} should be {size} finite numbers, got {vector.shape}")
