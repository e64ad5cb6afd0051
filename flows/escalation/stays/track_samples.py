"""Keep where somebody was during a stay: enough to find them on the footage, however long it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from pydantic import AwareDatetime

from domain.events.base import Box, Sighting, TrackPoint
from domain.frames import FrameStamp
from flows.conditions.condition import Holding

FIRST_STEP_S = 0.5
# twice that many points: a stay of two minutes; a longer one has fewer a second
MOST_POINTS = 240


class _Point(NamedTuple):
    at: AwareDatetime
    pts: int
    box_xyxy: Box
    score: float


@dataclass(slots=True)
class TrackNotes:
    """Keep a subject's places at a step that doubles where there are too many."""

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

    def take_in(self, other: TrackNotes) -> None:
        """Take in what another number of the same subject left after this one's last place."""
        for point in [*other.noted, *([other.last] if other.last else [])]:
            if self.last is None or point.at > self.last.at:
                self._take(point)

    def _take(self, point: _Point) -> None:
        self.last = point
        if self.noted and (point.at - self.noted[-1].at).total_seconds() < self.step_s:
            return
        self.noted.append(self.last)
        if len(self.noted) > MOST_POINTS:
            self.noted, self.step_s = self.noted[::2], 2 * self.step_s

    def drop_after(self, at: datetime) -> None:
        """Forget what was somebody else."""
        self.noted = [point for point in self.noted if point.at <= at]
        self.last = self.noted[-1] if self.noted else None

    def points(self) -> tuple[TrackPoint, ...]:
        """Return what was noted, and the last place."""
        ended = [] if self.last is None or self.last in self.noted[-1:] else [self.last]
        return tuple(_track_point(point) for point in (*self.noted, *ended))


def _track_point(point: _Point) -> TrackPoint:
    x1, y1, x2, y2 = (round(side, 1) for side in point.box_xyxy)
    return TrackPoint(
        at=point.at, pts=point.pts, box_xyxy=(x1, y1, x2, y2), score=round(point.score, 3)
    )
