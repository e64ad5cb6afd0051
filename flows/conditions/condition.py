"""Interface of all conditions: a frame in, who holds the condition out.

To add a condition: give it a settings class in domain/site/conditions.py, a module here with a class
that has `look`, and a line in build.py. Nothing else knows how many there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Protocol

import numpy as np
from pydantic import AfterValidator

from domain.coco_classes import COCO_IDS
from domain.events.catalog import LeavingBasis
from domain.tracks import SubjectKey, SubjectLink, Track, TrackedFrame
from flows.conditions.verdict import Verdict

# plain values and tuples of them only: it is saved with every epoch
Memory = Annotated[dict[str, Any], AfterValidator(lambda saved: _as_tuples(saved))]
Box = tuple[float, float, float, float]
LOWEST = 0.999  # of the picture: feet below it are hidden by its border


@dataclass(frozen=True, slots=True)
class Holding:
    """Say whether the condition holds for one subject in one frame."""

    subject: SubjectKey
    place_id: str  # zone or line
    verdict: Verdict
    score: float  # of the detection, in [0, 1]; 1 where nothing was detected
    box_xyxy: Box  # pixels of the decoded frame
    basis: LeavingBasis = "seen outside the zone"  # where it does not hold: what is seen instead

    @property
    def holds(self) -> bool:
        """Whether it holds for certain."""
        return self.verdict is Verdict.HOLDS

    @property
    def is_seen(self) -> bool:
        """Whether the subject was seen: who is half hidden was, a place that cannot be judged was not."""
        return self.verdict is not Verdict.NOT_KNOWN or isinstance(self.subject, Track)


@dataclass(frozen=True, eq=False)
class Scene:
    """One tracked frame, as conditions look at it."""

    tracked: TrackedFrame

    @cached_property
    def feet(self) -> np.ndarray:
        """Return (n, 2), the middle of each box's lower edge, fractions of the picture."""
        return np.stack([self.boxes[:, [0, 2]].mean(axis=1), self.boxes[:, 3]], axis=1)

    @cached_property
    def are_feet_hidden(self) -> np.ndarray:
        """Return (n,) bool: whose lower edge is that of what hides them."""
        return np.asarray(self.whole_boxes[:, 3] > self.boxes[:, 3])

    @cached_property
    def whole_boxes(self) -> np.ndarray:
        """Return (n, 4) as `boxes`, down to where the feet are thought to be."""
        if self.tracked.feet_y is None:
            return self.boxes
        whole = self.boxes.copy()
        whole[:, 3] = np.maximum(
            whole[:, 3], np.minimum(self.tracked.feet_y / self.tracked.frame.height_px, LOWEST)
        )
        return whole

    @cached_property
    def boxes(self) -> np.ndarray:
        """Return (n, 4) boxes as fractions of the picture, x1 y1 x2 y2."""
        frame = self.tracked.frame
        scale = np.array([frame.width_px, frame.height_px] * 2, np.float32)
        return np.asarray(self.tracked.boxes_xyxy / scale)

    def rows_of(self, classes: tuple[str, ...]) -> np.ndarray:
        """Return (k,) rows of the wanted classes."""
        wanted = [COCO_IDS[name] for name in classes]
        # a frame holds few: comparing them with each is quicker than np.isin
        return np.flatnonzero((self.tracked.class_ids[:, None] == wanted).any(axis=1))

    def can_judge(self, place_id: str) -> bool:
        """Tell whether the picture shows who is not in a zone or at a line; who is seen there, is."""
        return self.tracked.sight.can_judge(place_id)

    def track(self, row: int) -> Track:
        """Name the subject of a row."""
        return Track(int(self.tracked.track_ids[row]))

    def holding(
        self,
        row: int,
        place_id: str,
        verdict: Verdict,
        basis: LeavingBasis = "seen outside the zone",
    ) -> Holding:
        """Return what the condition says of one tracked subject."""
        return Holding(
            subject=self.track(row),
            place_id=place_id,
            verdict=verdict,
            score=float(self.tracked.scores[row]),
            box_xyxy=pixels(self.tracked.boxes_xyxy[row]),
            basis=basis,
        )


def pixels(row: np.ndarray) -> Box:
    """Return a box as plain numbers; a hundredth of a pixel is finer than any detector."""
    x1, y1, x2, y2 = (round(value, 2) for value in row.tolist())
    return x1, y1, x2, y2


def _as_tuples(saved: Any) -> Any:
    """Return a saved memory as it was: saving has made lists of its tuples."""
    if isinstance(saved, dict):
        return {key: _as_tuples(value) for key, value in saved.items()}
    return tuple(_as_tuples(value) for value in saved) if isinstance(saved, list) else saved


class Evaluator(Protocol):
    """Looks at one camera's frames, in order."""

    def look(self, scene: Scene, memory: Memory) -> list[Holding]:
        """Return one holding for each subject that the condition has an opinion on.

        `memory` is this condition's own, empty at first; what it keeps survives a restart.
        """

    def renumber(self, link: SubjectLink, memory: Memory) -> None:
        """Go on under `link.track_id` with what is remembered of `link.was`: they are the same."""
