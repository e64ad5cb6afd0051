"""Condition: somebody or something is in a zone."""

from __future__ import annotations

import numpy as np

from domain.tracks import SubjectLink
from flows.conditions.areas import Area
from flows.conditions.condition import Holding, Memory, Scene
from flows.conditions.verdict import Verdict


class PresentCondition:
    """Say of everybody of the classes whether they are in one of the zones."""

    def __init__(self, areas: list[Area], classes: tuple[str, ...]) -> None:
        self._areas = areas
        self._classes = classes

    def look(self, scene: Scene, memory: Memory) -> list[Holding]:
        """Return one holding for everybody seen; outside, it names the first zone."""
        rows = scene.rows_of(self._classes)
        verdicts = np.array([area.verdicts(scene, rows) for area in self._areas])
        best = verdicts.argmax(axis=0)
        return [
            scene.holding(
                int(row), self._areas[best[column]].zone_id, Verdict(verdicts[best[column], column])
            )
            for column, row in enumerate(rows)
        ]

    def renumber(self, link: SubjectLink, memory: Memory) -> None:
        """Do nothing: nothing is remembered of anybody."""
