"""People who come and go in a zone, told frame by frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from domain.frames import FrameStamp
from domain.tracks import Track
from flows.conditions.condition import Box, Holding
from flows.conditions.verdict import Verdict
from flows.escalation.ladder import RuleLadder

BEGAN = datetime(2026, 3, 2, 8, tzinfo=UTC)
INSIDE, OUTSIDE = True, False


def at(at_s: float) -> datetime:
    return BEGAN + timedelta(microseconds=round(at_s * 1e6))


def stamp(at_s: float, camera_id: str = "north") -> FrameStamp:
    return FrameStamp(
        camera_id=camera_id,
        pts=round(at_s * 1000),
        time_base=Fraction(1, 1000),
        media_time_s=at_s,
        captured_at=at(at_s),
        width_px=768,
        height_px=576,
    )


@dataclass(frozen=True)
class Shown:
    """One frame: who is seen, and for whom the condition holds."""

    frame: FrameStamp
    holdings: tuple[Holding, ...]


HERE: Box = (100.0, 100.0, 130.0, 180.0)


def presence(at_s: float, people: dict[int, bool], box_xyxy: Box = HERE) -> Shown:
    """One frame: who is seen, and whether inside."""
    return Shown(
        frame=stamp(at_s),
        holdings=tuple(
            Holding(Track(number), "lawn", Verdict.of(inside), 0.8, box_xyxy)
            for number, inside in sorted(people.items())
        ),
    )


def story(ladder: RuleLadder, frames: Iterable[Shown]) -> list[str]:
    """Step a ladder through frames; return what happened, as "seconds state"."""
    return [
        f"{(event.time - BEGAN).total_seconds():g} {event.data.state}"  # type: ignore[attr-defined]
        for shown in frames
        for event in ladder.step(shown.frame, shown.holdings)
    ]
