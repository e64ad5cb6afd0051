"""Find at which second of a sealed clip something was seen, by what numbers.json says of the clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Self

from domain.events.base import OutcomeData, Sighting, TrackPoint

AGREED_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class ClipTimes:
    """Timeline of one clip of a record."""

    from_at: datetime  # event time of its first picture
    duration_s: float
    stream_s: float  # the camera's own timestamp at media time 0
    time_base: Fraction  # of the subject's sightings and track
    pictures: int  # 0: not said

    @classmethod
    def of(cls, story: Mapping[str, Any], outcome: OutcomeData, clip: str) -> Self | None:
        """Read the timeline of the clip of that name; None: the story does not tell, or not in full.

        `story` is what numbers.json holds beside the record, `outcome` how the offence ended.
        """
        for facts in story.get("clips") or ():
            if facts.get("name") == clip and "stream_s" in facts:
                from_at = datetime.fromisoformat(facts["from_at"])
                return cls(
                    from_at,
                    (datetime.fromisoformat(facts["to_at"]) - from_at).total_seconds(),
                    float(facts["stream_s"]),
                    Fraction(outcome.first_sighting.time_base),
                    int(facts.get("packets", 0)),
                )
        return None

    @property
    def fps(self) -> float:
        """Return its pictures a second, on average; 0 where that is not known."""
        return self.pictures / self.duration_s if self.duration_s > 0 else 0.0

    def media_time_s(self, point: TrackPoint | Sighting) -> float | None:
        """Compute at which second of the clip the subject stood there; None: the clip does not show it."""
        at_s = float(point.pts * self.time_base) - self.stream_s
        if not 0 <= at_s <= self.duration_s:
            return None
        # another run of the stream counts from another zero: its timestamps would fit by chance
        off = self.from_at + timedelta(seconds=at_s) - point.at
        return at_s if abs(off.total_seconds()) < AGREED_WITHIN_S else None
