"""Carry events between steady time, by which a watch flow counts, and the wall's, which people read.

Where the machine's clock was never set the two are the same, and nothing is changed. Else a sighting
says both, and the other times of its event are as far apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from domain.events.base import ByHand, EventData, OffenceData, Sighting
from domain.events.catalog import Event

Convert = Callable[[datetime], datetime]


def same_time(at: datetime) -> datetime:
    """Return the moment as it is: for recordings, which have a clock of their own."""
    return at


def in_wall_time(event: Event, wall: Convert) -> Event:
    """Return an event of a watch flow as it is told; `wall` says what the wall's clock said at a moment."""

    def told(sighting: Sighting) -> Sighting:
        at = wall(sighting.at)
        if at == sighting.at:
            return sighting
        return sighting.model_copy(update={"at": at, "steady_at": sighting.at})

    return _converted(event, wall, told)


def in_steady_time(event: Event) -> Event:
    """Return a logged event of a watch flow in the time that the flow counts by."""
    ahead = _ahead_of(event.data)

    def counted(sighting: Sighting) -> Sighting:
        if sighting.steady_at is None:
            return sighting
        return sighting.model_copy(update={"at": sighting.steady_at, "steady_at": None})

    return _converted(event, lambda at: at - ahead, counted)


def steady_time_of(event: Event, of_wall: Convert = same_time) -> datetime:
    """Return when something happened, in steady time.

    Args:
        event: of a watch flow, or of another program.
        of_wall: asked about events without a sighting, and whether the clock was set between a sighting and
            the event that arose while the subject was not seen.
    """
    by_wall = of_wall(event.time)
    if not isinstance(event.data, OffenceData):
        return by_wall
    seen_at, by_sighting = (
        steady_time_of_sighting(event.data.sighting),
        event.time - _ahead_of(event.data),
    )
    # seconds after the sighting, not an hour
    return min(by_sighting, by_wall, key=lambda at: abs(at - seen_at))


def steady_time_of_sighting(sighting: Sighting) -> datetime:
    """Return when a frame was taken, in steady time."""
    return sighting.at if sighting.steady_at is None else sighting.steady_at


def seconds_between(first: Sighting, later: Sighting) -> float:
    """Return the time that really passed from one frame to another, whatever was done to the wall's clock."""
    return (steady_time_of_sighting(later) - steady_time_of_sighting(first)).total_seconds()


def _ahead_of(data: EventData) -> timedelta:
    sighting = data.sighting if isinstance(data, OffenceData) else None
    if sighting is None or sighting.steady_at is None:
        return timedelta(0)
    return sighting.at - sighting.steady_at


def _converted(event: Event, at: Convert, sighting: Callable[[Sighting], Sighting]) -> Event:
    def convert(value: Any) -> Any:
        match value:
            case Sighting():
                return sighting(value)
            case ByHand():
                return value  # it is in the wall's time always
            case datetime():
                return at(value)
            case tuple():
                new = tuple(convert(each) for each in value)
                return value if all(a is b for a, b in zip(value, new, strict=True)) else new
            case BaseModel():
                return _with_changes(value, convert)
            case _:
                return value

    data, time = _with_changes(event.data, convert), at(event.time)
    return (
        event if data is event.data and time == event.time else replace(event, data=data, time=time)
    )


def _with_changes(model: BaseModel, convert: Callable[[Any], Any]) -> Any:
    changes: dict[str, Any] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        new = convert(value)
        if new is not value and new != value:
            changes[name] = new
    return model.model_copy(update=changes) if changes else model
