"""Make the events that open alarms, many of them, without anything that watches."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import cast

from domain.events.catalog import CameraChanged, Event, OffenceEscalated, StorageChanged
from domain.ids import mint
from tests.support.example_events import START, one_of_each

_EXAMPLES = {type(event.data): event for event in one_of_each()}


def escalated(number: int, at: datetime = START) -> Event:
    """Make an escalation of an offence of its own."""
    example = _EXAMPLES[OffenceEscalated]
    offence_id = mint("ofc", "alarm", number)
    data = example.data.model_copy(update={"offence_id": offence_id})
    return replace(example, id=mint("evt", offence_id), subject=offence_id, time=at, data=data)


def camera(number: int, status: str, at: datetime = START, nth: int = 0) -> Event:
    """Make a camera come or go, for the nth time."""
    example = _EXAMPLES[CameraChanged]
    camera_id = f"cam-{number}"
    data = cast("CameraChanged", example.data).model_copy(
        update={"camera_id": camera_id, "status": status}
    )
    event_id = mint("evt", camera_id, status, nth)
    return replace(example, id=event_id, subject=camera_id, time=at, data=data)


def disk(state: str, at: datetime = START, nth: int = 0) -> Event:
    """Make the disk of evidence run full, or be well again."""
    example = _EXAMPLES[StorageChanged]
    data = example.data.model_copy(update={"state": state})
    return replace(example, id=mint("evt", state, nth), time=at, data=data)
