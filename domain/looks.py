"""What is kept of a picture to judge whether the camera still sees, and what was judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LAYOUT_SIDE = 40
SHARPNESS_SIDE = 10


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class PictureLook:
    """One picture, so small that nobody can be recognised on it; travels with its detections."""

    layout: np.ndarray  # (40, 40) uint8, mean brightness of each patch
    sharpness: np.ndarray  # (10, 10) float32 >= 0, mean strength of fine detail of each tile


@dataclass(frozen=True, slots=True)
class Sight:
    """How far a camera's picture can be believed at one frame."""

    faults: tuple[str, ...] = ()  # codes of domain/fitness.py: what is wrong for certain
    is_in_doubt: bool = False  # something looks wrong, or is: nobody should be judged by it
    shortcomings: tuple[str, ...] = ()  # codes: what the camera's compliance record lacks


CLEAR = Sight()
