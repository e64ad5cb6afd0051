"""Say where somebody was last, and how they moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import AwareDatetime, FiniteFloat

from domain.events.base import Box
from flows.tracking.ways_out import AHEAD_S, LEAST_SPEED


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Hold one place and a speed there; saved with the stay."""

    at: AwareDatetime
    box_xyxy: Box
    speed_px: tuple[FiniteFloat, FiniteFloat]  # a second, to the right and down
    class_id: int
    trembles: bool = False  # the speed may be that of a box that trembles
    is_doubled: bool = False  # somebody dressed alike is hidden, and may go by the other's number

    @property
    def height_px(self) -> float:
        """Return how high their box was."""
        return max(self.box_xyxy[3] - self.box_xyxy[1], 1.0)

    def foresee(self) -> Box:
        """Return where they will be soon, if they go on; who hardly moves stays."""
        right, down = self.speed_px
        if float(np.hypot(right, down)) < LEAST_SPEED * self.height_px:
            return self.box_xyxy
        x1, y1, x2, y2 = self.box_xyxy
        right, down = right * AHEAD_S, down * AHEAD_S
        return x1 + right, y1 + down, x2 + right, y2 + down
