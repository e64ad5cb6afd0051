"""Somebody crosses a line."""

from __future__ import annotations

from itertools import pairwise

import shapely

from domain.conditions import Direction
from flows.conditions.condition import Holding, Memory, Scene

FORGET_AFTER_S = 30.0  # where somebody was who is no longer seen

Point = tuple[float, float]


class LineCrossedCondition:
    """Holds from the crossing on, while the subject is seen and has not gone back.

    A crossing is a step of the foot point, from one frame to the next, that meets the line; the
    line's ends count, so walking round it is no crossing.
    """

    def __init__(
        self,
        line_id: str,
        points: tuple[Point, ...],
        classes: tuple[str, ...],
        direction: Direction,
    ) -> None:
        self._line_id = line_id
        self._segments = list(pairwise(points))
        self._classes = classes
        self._direction = direction

    def look(self, scene: Scene, memory: Memory) -> list[Holding]:
        """One holding for everybody seen."""
        at_s = scene.tracked.frame.captured_at.timestamp()
        said = []
        for row in scene.rows_of(self._classes):
            subject = str(int(scene.tracked.track_ids[row]))
            foot = (float(scene.feet[row, 0]), float(scene.feet[row, 1]))
            before, is_beyond, _ = memory.get(subject, (foot, False, at_s))
            for sign in self._crossings(before, foot):
                is_beyond = self._counts(sign) if self._direction != "either" else not is_beyond
            memory[subject] = (foot, is_beyond, at_s)
            said.append(scene.holding(int(row), self._line_id, is_beyond))
        for subject in [s for s, kept in memory.items() if at_s - kept[2] > FORGET_AFTER_S]:
            del memory[subject]
        return said

    def _counts(self, sign: int) -> bool:
        return sign > 0 if self._direction == "left to right" else sign < 0

    def _crossings(self, before: Point, after: Point) -> list[int]:
        """+1 for each crossing from left to right, -1 for right to left."""
        if before == after:
            return []
        step = shapely.LineString([before, after])
        return [
            1 if _side(a, b, after) > 0 else -1
            for a, b in self._segments
            if step.intersects(shapely.LineString([a, b]))
            and _side(a, b, before) * _side(a, b, after) < 0
        ]


def _side(a: Point, b: Point, point: Point) -> float:
    """> 0: to the right of a → b, as seen on the picture, whose y axis points down."""
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])
