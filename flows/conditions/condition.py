"""The one interface of all conditions: a frame in, who holds the condition out.

To add a condition: give it a settings class in domain/conditions.py, a module here with a class
that has `look`, and a line in build.py. Nothing else knows how many there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from domain.classes import COCO_IDS
from domain.tracks import TrackedFrame

Memory = dict[str, Any]  # plain values only: it is saved with every epoch
Box = tuple[float, float, float, float]
WHOLE_PICTURE = "whole picture"


@dataclass(frozen=True, slots=True)
class Holding:
    """Whether the condition holds for one subject in one frame."""

    subject: str  # a track's number, or the place's id where nobody in particular is meant
    place_id: str  # zone or line
    holds: bool
    score: float  # of the detection, in [0, 1]; 1 where nothing was detected
    box_xyxy: Box  # pixels of the decoded frame


@dataclass(frozen=True, eq=False)
class Scene:
    """One tracked frame, as conditions look at it."""

    tracked: TrackedFrame

    @cached_property
    def feet(self) -> np.ndarray:
        """(n, 2) middle of each box's lower edge, fractions of the picture."""
        boxes, frame = self.tracked.boxes_xyxy, self.tracked.frame
        x = boxes[:, [0, 2]].mean(axis=1) / frame.width_px
        return np.stack([x, boxes[:, 3] / frame.height_px], axis=1)

    @cached_property
    def boxes(self) -> np.ndarray:
        """(n, 4) boxes as fractions of the picture, x1 y1 x2 y2."""
        frame = self.tracked.frame
        scale = np.array([frame.width_px, frame.height_px] * 2, np.float32)
        return np.asarray(self.tracked.boxes_xyxy / scale)

    def rows_of(self, classes: tuple[str, ...]) -> np.ndarray:
        """(k,) rows of the wanted classes."""
        wanted = [COCO_IDS[name] for name in classes]
        # a frame holds few: comparing them with each is quicker than np.isin
        return np.flatnonzero((self.tracked.class_ids[:, None] == wanted).any(axis=1))

    def holding(self, row: int, place_id: str, holds: bool) -> Holding:
        """What is said of one tracked subject."""
        return Holding(
            subject=str(int(self.tracked.track_ids[row])),
            place_id=place_id,
            holds=holds,
            score=float(self.tracked.scores[row]),
            box_xyxy=pixels(self.tracked.boxes_xyxy[row]),
        )


def pixels(row: np.ndarray) -> Box:
    """A box as plain numbers; a hundredth of a pixel is finer than any detector."""
    x1, y1, x2, y2 = (round(value, 2) for value in row.tolist())
    return x1, y1, x2, y2


class Condition(Protocol):
    """Looks at one camera's frames, in order."""

    def look(self, scene: Scene, memory: Memory) -> list[Holding]:
        """One holding for each subject that the condition has an opinion on.

        Args:
            memory: this condition's own, empty at first; what it keeps survives a restart.
        """
