"""Condition: somebody crosses a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import shapely

from domain.site.conditions import Direction
from domain.tracks import SubjectLink
from flows.conditions.condition import Holding, Memory, Scene
from flows.conditions.verdict import Verdict

FORGET_AFTER_S = 30.0  # where somebody was who is no longer seen

Point = tuple[float, float]


class _Walk(NamedTuple):
    """Remember one subject's way; saved."""

    foot: Point  # the last one
    is_beyond: bool
    seen_at_s: float
    first_foot: Point
    has_crossed: bool  # since the first foot


@dataclass(frozen=True, slots=True)
class LineCrossedCondition:
    """Hold from the crossing on, while the subject is seen and has not gone back.

    A crossing is a step of the foot point, from one frame to the next, that meets the line; the
    line's ends count, so walking round it is no crossing.
    """

    line_id: str
    points: tuple[Point, ...]
    classes: tuple[str, ...]
    direction: Direction

    def look(self, scene: Scene, memory: Memory) -> list[Holding]:
        """Return one holding for everybody seen."""
        at_s = scene.tracked.frame.captured_at.timestamp()
        holdings = []
        for row in scene.rows_of(self.classes):
            subject = str(scene.track(row))
            foot = (float(scene.feet[row, 0]), float(scene.feet[row, 1]))
            walk = _walk(memory.get(subject)) or _Walk(foot, False, at_s, foot, False)
            if not scene.are_feet_hidden[row]:
                walk = self._step(walk, foot)
            memory[subject] = walk = walk._replace(seen_at_s=at_s)
            verdict = Verdict.of(walk.is_beyond)
            if scene.are_feet_hidden[row]:
                verdict = Verdict.NOT_KNOWN
            holdings.append(scene.holding(row, self.line_id, verdict, "back across the line"))
        for subject in [s for s, kept in memory.items() if at_s - kept[2] > FORGET_AFTER_S]:
            del memory[subject]
        return holdings

    def renumber(self, link: SubjectLink, memory: Memory) -> None:
        """Join both ways by the step that nobody saw, from the last foot to the first one after it."""
        later = _walk(memory.pop(str(link.was), None))
        before = _walk(memory.get(str(link.track_id)))
        if later is None:
            return
        if before is not None:
            joined = self._step(before, later.first_foot)
            if self.direction == "either":
                is_beyond = joined.is_beyond != later.is_beyond
            else:
                is_beyond = later.is_beyond if later.has_crossed else joined.is_beyond
            has_crossed = joined.has_crossed or later.has_crossed
            later = _Walk(later.foot, is_beyond, later.seen_at_s, before.first_foot, has_crossed)
        memory[str(link.track_id)] = later

    def _step(self, walk: _Walk, foot: Point) -> _Walk:
        """Take one step of a subject."""
        is_beyond, signs = walk.is_beyond, self._crossings(walk.foot, foot)
        for sign in signs:
            is_beyond = self._counts(sign) if self.direction != "either" else not is_beyond
        return walk._replace(
            foot=foot, is_beyond=is_beyond, has_crossed=walk.has_crossed or bool(signs)
        )

    def _counts(self, sign: int) -> bool:
        return sign > 0 if self.direction == "left to right" else sign < 0

    def _crossings(self, before: Point, after: Point) -> list[int]:
        """Count +1 for each crossing from left to right, -1 for right to left."""
        if before == after:
            return []
        step = shapely.LineString([before, after])
        return [
            1 if _side(a, b, after) > 0 else -1
            for a, b in pairwise(self.points)
            if step.intersects(shapely.LineString([a, b]))
            and _side(a, b, before) * _side(a, b, after) < 0
        ]


def _walk(kept: Sequence[Any] | None) -> _Walk | None:
    """Read what was remembered; an older version kept neither the first foot nor whether it crossed."""
    if kept is None:
        return None
    foot, is_beyond, seen_at_s, *more = kept
    return _Walk(foot, is_beyond, seen_at_s, *(more or (foot, is_beyond)))


def _side(a: Point, b: Point, point: Point) -> float:
    """Return above 0 to the right of a → b, as seen on the picture, whose y axis points down."""
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])
