"""Condition: nobody is in the zones, or at least so many are. The subject is the place.

Somebody who is seen is there, however bad the picture. That nobody else is, only a picture shows that
can be judged, and only where nobody may be hidden there: else it is not known.
"""

from __future__ import annotations

import numpy as np

from domain.events.catalog import LeavingBasis
from domain.tracks import Place, SubjectLink
from flows.conditions.areas import Area
from flows.conditions.condition import Box, Holding, Memory, Scene, pixels
from flows.conditions.lately_inside import count_hidden
from flows.conditions.verdict import Verdict


class _Crowd:
    """Count who is in any of the zones."""

    def __init__(self, areas: list[Area], classes: tuple[str, ...]) -> None:
        self._areas = areas
        self._classes = classes

    def renumber(self, link: SubjectLink, memory: Memory) -> None:
        """Go on under the number of somebody who was seen before."""
        later = memory.pop(str(link.was), None)
        if later is not None:
            memory[str(link.track_id)] = later

    def _inside(self, scene: Scene, memory: Memory) -> tuple[np.ndarray, float]:
        """Return (k,) rows of those who are in, and how many more there may be."""
        rows = scene.rows_of(self._classes)
        verdicts = np.max([area.verdicts(scene, rows) for area in self._areas], axis=0)
        may_be_in = rows[verdicts != Verdict.DOES_NOT_HOLD]
        hidden = count_hidden(memory, scene, may_be_in, self._is_in)
        is_shown = all(scene.can_judge(area.zone_id) for area in self._areas)
        half_hidden = int((verdicts == Verdict.NOT_KNOWN).sum())
        return rows[verdicts == Verdict.HOLDS], half_hidden + hidden if is_shown else np.inf

    def _is_in(self, boxes_xyxy: np.ndarray) -> np.ndarray:
        inside: np.ndarray = np.any([area.contains(boxes_xyxy) for area in self._areas], axis=0)
        return inside

    def _of_the_place(
        self,
        scene: Scene,
        verdict: Verdict,
        basis: LeavingBasis,
        score: float = 1.0,
        box: Box | None = None,
    ) -> list[Holding]:
        first = self._areas[0]
        box = box or first.box(scene)
        return [Holding(Place(first.zone_id), first.zone_id, verdict, score, box, basis)]


class AbsentCondition(_Crowd):
    """Hold while nobody of the classes is in any of the zones."""

    def look(self, scene: Scene, memory: Memory) -> list[Holding]:
        """Return one holding, for the first zone."""
        inside, maybe = self._inside(scene, memory)
        if len(inside):
            return self._of_the_place(scene, Verdict.DOES_NOT_HOLD, "somebody is there")
        verdict = Verdict.NOT_KNOWN if maybe else Verdict.HOLDS
        return self._of_the_place(scene, verdict, "somebody is there")


class AtLeastCondition(_Crowd):
    """Hold while at least `count` of the classes are in the zones."""

    def __init__(self, areas: list[Area], classes: tuple[str, ...], count: int) -> None:
        super().__init__(areas, classes)
        self._count = count

    def look(self, scene: Scene, memory: Memory) -> list[Holding]:
        """Return one holding, for the first zone; its box is around everybody who is in."""
        rows, maybe = self._inside(scene, memory)
        if len(rows) < self._count:
            may_hold = len(rows) + maybe >= self._count
            verdict = Verdict.NOT_KNOWN if may_hold else Verdict.DOES_NOT_HOLD
            return self._of_the_place(scene, verdict, "fewer are there")
        boxes, scores = scene.tracked.boxes_xyxy[rows], scene.tracked.scores[rows]
        around = np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
        # as sure as the least sure of those who are needed to make up the number
        score = float(np.sort(scores)[::-1][self._count - 1])
        return self._of_the_place(scene, Verdict.HOLDS, "fewer are there", score, pixels(around))
