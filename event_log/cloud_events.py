"""Write and read events as CloudEvents 1.0 in structured JSON, as other programs have them.

Two extension attributes of the CloudEvents project are used for events that come from the log:
`sequence`, the number in the log with leading zeros (so that it sorts as text), and `recordedtime`,
when the log took the event. Source: github.com/cloudevents/spec, cloudevents/extensions/.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from pydantic import ValidationError

from domain.errors import PutAside
from domain.events.catalog import Event, parse_data
from event_log.rows import LoggedEvent

CONTENT_TYPE = "application/cloudevents+json"  # of the whole, when it travels over HTTP
SEQUENCE_DIGITS = 16
NEEDED = ("specversion", "id", "source", "type", "subject", "time")


def schema_uri(event_type: str) -> str:
    """Name the JSON Schema of that type's data, which is the schema's $id too.

    CloudEvents wants an absolute URI here. A URN names the schema without promising that
    anything answers at some address: events are read on machines that reach nothing.
    """
    return f"urn:forewarn:schema:{event_type}"


def to_cloud_event(item: Event | LoggedEvent) -> CloudEvent:
    """Build the CloudEvent of an event; a logged one says its number and when it was recorded.

    Raises:
        PutAside: the event lacks what CloudEvents needs (an id, a source, a time with a zone).
    """
    event = item.event if isinstance(item, LoggedEvent) else item
    attributes: dict[str, Any] = {
        "id": event.id,
        "source": event.source,
        "specversion": "1.0",
        "type": event.type,
        "subject": event.subject,
        "time": event.time,
        "datacontenttype": "application/json",
        "dataschema": schema_uri(event.type),
    }
    if isinstance(item, LoggedEvent):
        attributes["sequence"] = f"{item.seq:0{SEQUENCE_DIGITS}d}"
        attributes["recordedtime"] = item.recorded_at
    try:
        return CloudEvent(attributes, event.data.model_dump(mode="json"))
    except CloudEventValidationError as error:
        raise PutAside(f"event {event.id!r} is no CloudEvent: {error}") from error


def to_dict(item: Event | LoggedEvent) -> dict[str, Any]:
    """Build the CloudEvent as JSON-like values."""
    values: dict[str, Any] = json.loads(JSONFormat().write(to_cloud_event(item)))
    return values


def to_json(item: Event | LoggedEvent) -> str:
    """Write the CloudEvent as one line of JSON; Chinese stays readable."""
    return json.dumps(to_dict(item), ensure_ascii=False)


def from_json(text: str | bytes) -> Event | LoggedEvent:
    """Read a CloudEvent back; one that says its number becomes a LoggedEvent.

    Raises:
        PutAside: no CloudEvent, of an unknown type, or with data that do not fit its type.
    """
    try:
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError(f"an event is a JSON object, got {type(values).__name__}")
        missing = [name for name in NEEDED if not values.get(name)]
        if missing:  # asked here, because the SDK makes up an id or a time where there is none
            raise ValueError(f"needs {', '.join(missing)}")
        read = JSONFormat().read(CloudEvent, text)
        data = read.get_data()
        if not isinstance(data, dict):
            raise ValueError(f"data should be an object, got {type(data).__name__}")
        time: datetime = read.get_attributes()["time"]
        event = Event(
            read.get_id(),
            read.get_source(),
            str(read.get_subject()),
            time,
            parse_data(read.get_type(), data),
        )
        if read.get_extension("sequence") is None:
            return event
        recorded_at = datetime.fromisoformat(read.get_extension("recordedtime"))
        return LoggedEvent(int(read.get_extension("sequence")), event, recorded_at)
    except KeyError as error:
        raise PutAside(f"no event has type {error}; is this another program's event?") from error
    except (CloudEventValidationError, ValidationError, ValueError, TypeError) as error:
        raise PutAside(f"not an event of forewarn: {error}") from error
