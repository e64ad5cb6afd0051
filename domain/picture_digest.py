"""Picture digests: what is kept of a picture to judge whether its camera still sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from pydantic import AwareDatetime

from domain.saved_state import SavedArray

LAYOUT_SIDE = 40
SHARPNESS_SIDE = 10
CELL_SIDE = 20  # cells by which parts of a picture are judged, numbered row by row from 0


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class PictureDigest:
    """Hold one picture, so small that nobody can be recognised on it; travels with its detections."""

    # mean brightness of each patch
    layout: Annotated[np.ndarray, SavedArray("uint8", (LAYOUT_SIDE, LAYOUT_SIDE))]
    # >= 0: mean strength of fine detail of each tile
    sharpness: Annotated[np.ndarray, SavedArray("float32", (SHARPNESS_SIDE, SHARPNESS_SIDE))]
    # >= 0: mean strength of detail that a sensor's noise does not make, of each cell; None: not
    # measured, as in states of before it was
    detail: Annotated[np.ndarray, SavedArray("float32", (CELL_SIDE, CELL_SIDE))] | None = None


@dataclass(frozen=True, slots=True)
class PictureTrust:
    """Say how far a camera's picture can be believed at one frame."""

    faults: tuple[str, ...] = ()  # codes of domain/fitness.py: what is wrong for certain
    is_in_doubt: bool = False  # something looks wrong, or is: nobody should be judged by it
    shortcomings: tuple[str, ...] = ()  # codes: what the camera's compliance record lacks
    # id of a zone or line -> code: where nobody can be judged though the rest of the picture is fine
    unfit_areas: Mapping[str, str] = field(default_factory=dict)
    unfit_since: Mapping[str, AwareDatetime] = field(default_factory=dict)  # event time, of these
    doubted_areas: tuple[
        str, ...
    ] = ()  # zones and lines that look so now; a moment later it is known
    hidden_cells: tuple[int, ...] = ()  # cells that show nothing of the scene, in any place

    def can_judge(self, place_id: str) -> bool:
        """Tell whether the picture shows who is, and who is not, in a zone or at a line."""
        return not (
            self.faults
            or self.is_in_doubt
            or place_id in self.unfit_areas
            or place_id in self.doubted_areas
        )

    def is_doubtful(self, place_id: str) -> bool:
        """Tell whether something looks wrong that is not certain yet: nothing is concluded meanwhile."""
        if self.faults or place_id in self.unfit_areas:
            return False
        return self.is_in_doubt or place_id in self.doubted_areas

    def hides(self, box: tuple[float, float, float, float]) -> bool:
        """Tell whether some of a box, x1 y1 x2 y2 as fractions of the picture, lies in hidden cells."""
        if not self.hidden_cells:
            return False
        x1, y1, x2, y2 = (CELL_SIDE * each for each in box)
        return any(
            x1 < cell % CELL_SIDE + 1
            and x2 > cell % CELL_SIDE
            and y1 < cell // CELL_SIDE + 1
            and y2 > cell // CELL_SIDE
            for cell in self.hidden_cells
        )


CLEAR = PictureTrust()
