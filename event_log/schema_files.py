"""Make the JSON Schemas of events in event_log/schemas/ from domain/events/catalog.py.

`python -m event_log.schema_files` writes them, with `--check` it only says which are not up to
date (exit code 1).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from domain.events.catalog import EVENT_DATA, EventData
from domain.files import write_atomically
from event_log.cloud_events import SEQUENCE_DIGITS, schema_uri

FOLDER = Path(__file__).parent / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE_FILE = "envelope.schema.json"
ENVELOPE_URI = schema_uri("envelope")


def file_name(event_type: str) -> str:
    """Name the schema file of one event type's data."""
    return f"{event_type}.schema.json"


def render() -> dict[str, str]:
    """Render the text of every schema file, by file name."""
    schemas = {file_name(kind.event_type): data_schema(kind) for kind in EVENT_DATA}
    schemas[ENVELOPE_FILE] = envelope_schema()
    return {
        name: json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
        for name, schema in schemas.items()
    }


def data_schema(kind: type[EventData]) -> dict[str, Any]:
    """Build the schema of the `data` of one kind of event, complete in itself."""
    # as written, not as accepted: a field with a default value is always there
    schema = kind.model_json_schema(mode="serialization")
    head = {"$schema": DIALECT, "$id": schema_uri(kind.event_type), "title": kind.event_type}
    return {**head, **{name: value for name, value in schema.items() if name != "title"}}


def envelope_schema() -> dict[str, Any]:
    """Build the schema of a whole event: CloudEvents 1.0 with forewarn's attributes; data by type."""
    text = {"type": "string", "minLength": 1}
    moment = {"type": "string", "format": "date-time"}
    types = [kind.event_type for kind in EVENT_DATA]
    properties = {
        "specversion": {"const": "1.0"},
        "id": {**text, "description": "unique: the same happening always has the same id"},
        "source": {**text, "format": "uri-reference", "description": "which part of which site"},
        "type": {"enum": types},
        "subject": {**text, "description": "the offence, camera or evidence it is about"},
        "time": {**moment, "description": "when it happened, on the footage's own clock"},
        "datacontenttype": {"const": "application/json"},
        "dataschema": {"enum": [schema_uri(type_) for type_ in types]},
        "sequence": {
            "type": "string",
            "pattern": rf"^[0-9]{{{SEQUENCE_DIGITS}}}$",
            "description": "number in the log; sorts as text",
        },
        "recordedtime": {**moment, "description": "when the log took it"},
        "data": {"type": "object"},
    }
    optional = ("sequence", "recordedtime")
    return {
        "$schema": DIALECT,
        "$id": ENVELOPE_URI,
        "title": "An event of forewarn, as a CloudEvent 1.0 in structured JSON",
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
        "allOf": [_when_of(type_) for type_ in types],
    }


def _when_of(event_type: str) -> dict[str, Any]:
    uri = schema_uri(event_type)
    return {
        "if": {"properties": {"type": {"const": event_type}}},
        "then": {"properties": {"dataschema": {"const": uri}, "data": {"$ref": uri}}},
    }


def types_list() -> str:
    """Write the Markdown list of event types for docs/reference/events.md; ladder.md explains those of offences."""
    offences = [_linked(kind.event_type) for kind in EVENT_DATA if _is_told_by_the_ladder(kind)]
    others = [kind for kind in EVENT_DATA if not _is_told_by_the_ladder(kind)]
    lines = [f"[Of offences](ladder.md#what-makes-it-move): {', '.join(offences)}. Others:", ""]
    for kind in others:
        says = (kind.__doc__ or "").strip().splitlines()[0]
        lines.append(f"- {_linked(kind.event_type)}: {says}")
    return "\n".join(lines) + "\n"


def _is_told_by_the_ladder(kind: type[EventData]) -> bool:
    return kind.event_type.startswith("forewarn.offence.")


def _linked(event_type: str) -> str:
    return f"[`{event_type}`](../../event_log/schemas/{file_name(event_type)})"


def write(folder: Path = FOLDER) -> list[str]:
    """Write every schema file, remove those of types that are gone; return the names that changed."""
    stale = check(folder)
    rendered = render()
    for name in stale:
        if name in rendered:
            write_atomically(folder / name, rendered[name].encode(), durable=False)
        else:
            (folder / name).unlink()
    return stale


def check(folder: Path = FOLDER) -> list[str]:
    """Name the files that are missing, differ from what the code says, or should not be there."""
    rendered = render()
    present = {path.name: path.read_text("utf-8") for path in folder.glob("*.schema.json")}
    names = sorted(rendered.keys() | present.keys())
    return [name for name in names if rendered.get(name) != present.get(name)]


def main(arguments: list[str]) -> int:
    """Write the files, or with --check say which are not up to date."""
    if "--check" not in arguments:
        for name in write():
            print(f"event_log/schemas/{name} written")
        return 0
    stale = check()
    for name in stale:
        print(f"event_log/schemas/{name} is not up to date; run `make docs`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
