"""Every event comes back from the wall's time as it went, whatever times it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from domain.events.base import OffenceData, Sighting
from domain.events.catalog import Event
from domain.events.wall_time import in_steady_time, in_wall_time, seconds_between, steady_time_of
from tests.support.example_events import one_of_each

HOUR = timedelta(hours=1)
OFFENCES = [event for event in one_of_each() if isinstance(event.data, OffenceData)]


def times_of(value: Any, where: str = "") -> Iterator[tuple[str, datetime]]:
    """Yield every time that a value holds, but those of the steady clock, with where it stands."""
    if isinstance(value, datetime):
        yield where, value
    elif isinstance(value, tuple):
        for number, each in enumerate(value):
            yield from times_of(each, f"{where}[{number}]")
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            if name != "steady_at":
                yield from times_of(getattr(value, name), f"{where}.{name}")


@pytest.mark.parametrize("event", OFFENCES, ids=lambda event: event.type)
@pytest.mark.parametrize("ahead", [-HOUR, HOUR])
def test_an_event_s_times_are_told_by_the_wall_and_counted_by_the_steady_clock(
    event: Event, ahead: timedelta
) -> None:
    told = in_wall_time(event, lambda at: at + ahead)
    assert told.time == event.time + ahead
    assert in_steady_time(told) == event
    assert steady_time_of(told) == event.time
    before, after = dict(times_of(event.data)), dict(times_of(told.data))
    assert len(before) >= 2 and before.keys() == after.keys()
    for where, at in before.items():
        assert after[where] - at == (timedelta(0) if where.endswith("asked_at") else ahead), where


def test_where_the_clock_was_never_set_nothing_is_changed() -> None:
    for event in OFFENCES:
        assert in_wall_time(event, lambda at: at) is event and in_steady_time(event) is event


def test_two_sightings_on_both_sides_of_a_setting_have_each_their_own_time() -> None:
    event = next(each for each in OFFENCES if getattr(each.data, "first_sighting", None))
    first, last = (getattr(event.data, name) for name in ("first_sighting", "sighting"))
    assert isinstance(first, Sighting) and first.at < last.at
    told = in_wall_time(event, lambda at: at - HOUR if at >= last.at else at)
    assert getattr(told.data, "first_sighting") == first  # noqa: B009
    assert isinstance(told.data, OffenceData) and told.data.sighting is not None
    assert told.data.sighting.at == last.at - HOUR
    back = in_steady_time(told).data
    assert (getattr(back, "first_sighting"), getattr(back, "sighting")) == (first, last)  # noqa: B009
    told_first, told_last = getattr(told.data, "first_sighting"), told.data.sighting  # noqa: B009
    assert seconds_between(told_first, told_last) == (last.at - first.at).total_seconds()


@pytest.mark.parametrize("step", [-HOUR, HOUR])
def test_a_move_while_nobody_was_seen_is_not_an_hour_off_where_the_clock_was_set_just_then(
    step: timedelta,
) -> None:
    """Before: set forward, an operator's next command waited for an hour."""
    for event in OFFENCES:
        assert isinstance(event.data, OffenceData)
        seen_at = event.data.sighting.at
        moved = replace(event, time=seen_at + timedelta(seconds=1.5))
        told = in_wall_time(moved, lambda at, seen_at=seen_at: at + step if at > seen_at else at)
        assert steady_time_of(told, lambda at: at - step) == moved.time
        # one that was seen at that moment needs nobody's word
        assert (
            steady_time_of(in_wall_time(event, lambda at: at + step), lambda at: at) == event.time
        )
