"""Somebody or something is in a zone."""

from __future__ import annotations

import numpy as np

from flows.conditions.areas import Area
from flows.conditions.condition import Holding, Memory, Scene


class PresentCondition:
    """Says of everybody of the classes whether they are in one of the zones."""

    def __init__(self, areas: list[Area], classes: tuple[str, ...]) -> None:
        self._areas = areas
        self._classes = classes

    def look(self, scene: Scene, memory: Memory) -> list[Holding]:
        """One holding for everybody seen; outside, it names the first zone."""
        rows = scene.rows_of(self._classes)
        inside = np.array([area.holds(scene, rows) for area in self._areas])
        return [
            scene.holding(
                int(row),
                self._areas[int(inside[:, column].argmax())].zone_id,
                bool(inside[:, column].any()),
            )
            for column, row in enumerate(rows)
        ]
