"""How many are in the zones: nobody, or at least so many. The subject is the place."""

from __future__ import annotations

import numpy as np

from flows.conditions.areas import Area
from flows.conditions.condition import Holding, Memory, Scene, pixels


def _inside(areas: list[Area], scene: Scene, classes: tuple[str, ...]) -> np.ndarray:
    """(k,) rows of those who are in any of the zones."""
    rows = scene.rows_of(classes)
    if not len(rows):
        return rows
    return rows[np.any([area.holds(scene, rows) for area in areas], axis=0)]


class AbsentCondition:
    """Holds while nobody of the classes is in any of the zones."""

    def __init__(self, areas: list[Area], classes: tuple[str, ...]) -> None:
        self._areas = areas
        self._classes = classes

    def look(self, scene: Scene, memory: Memory) -> list[Holding]:
        """One holding, for the first zone."""
        first = self._areas[0]
        is_empty = not len(_inside(self._areas, scene, self._classes))
        return [Holding(first.zone_id, first.zone_id, is_empty, 1.0, first.box(scene))]


class AtLeastCondition:
    """Holds while at least `count` of the classes are in the zones."""

    def __init__(self, areas: list[Area], classes: tuple[str, ...], count: int) -> None:
        self._areas = areas
        self._classes = classes
        self._count = count

    def look(self, scene: Scene, memory: Memory) -> list[Holding]:
        """One holding, for the first zone; its box is around everybody who is in."""
        first = self._areas[0]
        rows = _inside(self._areas, scene, self._classes)
        if len(rows) < self._count:
            return [Holding(first.zone_id, first.zone_id, False, 1.0, first.box(scene))]
        boxes, scores = scene.tracked.boxes_xyxy[rows], scene.tracked.scores[rows]
        around = np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
        # as sure as the least sure of those who are needed to make up the number
        score = float(np.sort(scores)[::-1][self._count - 1])
        return [Holding(first.zone_id, first.zone_id, True, score, pixels(around))]
