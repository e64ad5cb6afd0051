"""Turn events into rows of the log's table, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, ValidationError

from domain.errors import PutAside
from domain.events.catalog import DATA_BY_TYPE, Event


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """Hold an event with its place in the log."""

    seq: int  # from 1, in the order of writing, without repeats; gaps are possible
    event: Event
    recorded_at: AwareDatetime  # UTC, when the log took it


def to_row(event: Event) -> dict[str, str]:
    """Build the row of an event, certain that it can be read back as the same event.

    Raises:
        PutAside: an attribute is empty, the time has no zone, or the data would not come back the
            same (a number that JSON has no word for, say).
    """
    for name in ("id", "source", "subject"):
        value = getattr(event, name)
        if not value or not value.isprintable():
            raise PutAside(
                f"event {event.id!r} of {event.type}: {name} should be printable text, got {value!r}"
            )
    if event.time.tzinfo is None:
        raise PutAside(f"event {event.id} of {event.type}: time needs a zone, got {event.time}")
    data = event.data.model_dump_json()
    try:
        same = type(event.data).model_validate_json(data) == event.data
    except ValidationError as error:
        raise _unreadable(f"event {event.id} of {event.type}", error) from error
    if not same:
        raise PutAside(f"event {event.id} of {event.type}: its data change when stored as JSON")
    return {
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "time": as_text(event.time),
        "data": data,
    }


def from_row(row: Mapping[str, Any]) -> LoggedEvent:
    """Read a row back; PutAside: no event has that type, or the data do not fit it."""
    kind = DATA_BY_TYPE.get(row["type"])
    if kind is None:
        raise PutAside(
            f"row {row['seq']}: no event has type {row['type']!r}; was it written by a newer version?"
        )
    try:
        data = kind.model_validate_json(row["data"])
        time, recorded_at = (datetime.fromisoformat(row[name]) for name in ("time", "recorded_at"))
    # TypeError: SQLite keeps any kind of value in any column
    except (ValidationError, ValueError, TypeError) as error:
        raise _unreadable(f"row {row['seq']} of {row['type']}", error) from error
    event = Event(row["id"], row["source"], row["subject"], time, data)
    return LoggedEvent(row["seq"], event, recorded_at)


def as_text(moment: datetime) -> str:
    """Write a moment in UTC, ISO 8601, always with microseconds: text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _unreadable(which: str, error: Exception) -> PutAside:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "data"
        return PutAside(f"{which}: {where}: {first['msg']}")
    return PutAside(f"{which}: {error}")
