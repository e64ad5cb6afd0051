"""People who come and go in a zone, told frame by frame."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from domain.frames import FrameStamp
from flows.steps.ladder import ZoneLadder
from flows.steps.zones import Presence, Seen

BEGAN = datetime(2026, 3, 2, 8, tzinfo=UTC)
INSIDE, OUTSIDE = True, False


def stamp(at_s: float, camera_id: str = "north") -> FrameStamp:
    return FrameStamp(
        camera_id=camera_id,
        pts=round(at_s * 1000),
        time_base=Fraction(1, 1000),
        media_time_s=at_s,
        captured_at=BEGAN + timedelta(microseconds=round(at_s * 1e6)),
        width_px=768,
        height_px=576,
    )


def presence(at_s: float, people: dict[int, bool]) -> Presence:
    """One frame: who is seen, and whether inside."""
    return Presence(
        frame=stamp(at_s),
        rule_id="keep-off",
        zone_id="lawn",
        people=tuple(
            Seen(track_id, 0.8, (100.0, 100.0, 130.0, 180.0), inside)
            for track_id, inside in sorted(people.items())
        ),
    )


def story(ladder: ZoneLadder, frames: Iterable[Presence]) -> list[str]:
    """What happened, as "seconds state"."""
    return [
        f"{(event.time - BEGAN).total_seconds():g} {event.data.state}"  # type: ignore[attr-defined]
        for frame in frames
        for event in ladder.step(frame)
    ]
