"""Where somebody was during a stay: enough to find them again on the footage, however long it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from domain.event_base import Box, Sighting, TrackPoint
from domain.frames import FrameStamp
from flows.conditions.condition import Holding

FIRST_STEP_S = 0.5
# twice that many points: a stay of two minutes; a longer one has fewer a second
MOST_POINTS = 240


class _Point(NamedTuple):
    at: datetime
    pts: int
    box_xyxy: Box
    score: float


@dataclass(slots=True)
class TrackNotes:
    """A subject's places at a step that doubles where there are too many; small and picklable."""

    step_s: float = FIRST_STEP_S
    noted: list[_Point] = field(default_factory=list)
    last: _Point | None = None  # the newest, noted or not

    def note(self, frame: FrameStamp, holding: Holding) -> None:
        """Take in one frame in which the subject was seen."""
        self._take(_Point(frame.captured_at, frame.pts, holding.box_xyxy, holding.score))

    def note_sighting(self, seen: Sighting) -> None:
        """Take in one place that an event tells of, unless it was noted."""
        if self.last is None or seen.at > self.last.at:
            self._take(_Point(seen.at, seen.pts, seen.box_xyxy, seen.score))

    def _take(self, point: _Point) -> None:
        self.last = point
        if self.noted and (point.at - self.noted[-1].at).total_seconds() < self.step_s:
            return
        self.noted.append(self.last)
        if len(self.noted) > MOST_POINTS:
            self.noted, self.step_s = self.noted[::2], 2 * self.step_s

    def points(self) -> tuple[TrackPoint, ...]:
        """What was noted, and the last place."""
        ended = [] if self.last is None or self.last in self.noted[-1:] else [self.last]
        return tuple(
            TrackPoint(
                at=each.at,
                pts=each.pts,
                box_xyxy=tuple(round(side, 1) for side in each.box_xyxy),  # type: ignore[arg-type]
                score=round(each.score, 3),
            )
            for each in (*self.noted, *ended)
        )
