"""Events as other programs see them: CloudEvents 1.0 that fit the schemas in the repository."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pydantic
import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource

from domain.errors import PutAside
from domain.events.catalog import EVENT_DATA, Event, EventData
from event_log import schema_files
from event_log.cloud_events import from_json, schema_uri, to_dict, to_json
from event_log.rows import LoggedEvent, from_row, to_row
from tests.support.example_events import one_of_each, warned_event

RECORDED_AT = datetime(2026, 3, 2, 8, 0, 1, 250_000, tzinfo=UTC)


@pytest.fixture(scope="session")
def validator() -> Draft202012Validator:
    """Check whole events against the files as they are in the repository."""
    schemas = [json.loads(path.read_text("utf-8")) for path in schema_files.FOLDER.glob("*.json")]
    registry: Registry[Any] = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas
    )
    (envelope,) = (schema for schema in schemas if schema["$id"] == schema_files.ENVELOPE_URI)
    for schema in schemas:
        Draft202012Validator.check_schema(schema)
    return Draft202012Validator(envelope, registry=registry)


def test_the_examples_have_every_kind() -> None:
    assert {type(event.data) for event in one_of_each()} == set(EVENT_DATA)


@pytest.mark.parametrize("event", one_of_each(), ids=lambda event: event.type)
def test_an_event_fits_its_schema_and_comes_back_whole(
    event: Event, validator: Draft202012Validator
) -> None:
    for item in (event, LoggedEvent(41, event, RECORDED_AT)):
        line = to_json(item)
        validator.validate(json.loads(line))
        assert "\n" not in line
        assert from_json(line) == item


def test_the_cloud_events_sdk_reads_what_is_written() -> None:
    event = warned_event()
    read = JSONFormat().read(CloudEvent, to_json(LoggedEvent(41, event, RECORDED_AT)))
    assert (read.get_id(), read.get_source(), read.get_type(), read.get_subject()) == (
        event.id,
        "forewarn/campus/gate",
        "forewarn.offence.warned.v1",
        event.subject,
    )
    assert read.get_time() == event.time
    assert read.get_dataschema() == schema_uri(event.type)
    assert read.get_extension("sequence") == "0000000000000041"
    assert read.get_data() == event.data.model_dump(mode="json")


@st.composite
def any_event(draw: st.DrawFn) -> Event:
    """Draw any event whose row can be written, so anything that a log can hold."""
    text = st.text(st.characters(codec="utf-8"))
    printable = st.text(
        st.characters(codec="utf-8", exclude_categories=("C", "Z"), include_characters=" "),
        min_size=1,
    )
    finite = st.floats(allow_nan=False, allow_infinity=False)
    moments = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
    kind: type[EventData] = draw(st.sampled_from(EVENT_DATA))
    example = next(event for event in one_of_each() if type(event.data) is kind)
    values: dict[str, Any] = example.data.model_dump()
    for name, field in kind.model_fields.items():
        if field.annotation not in (str, float) or not draw(st.booleans()):
            continue
        drawn = draw(text) if field.annotation is str else abs(draw(finite))
        with contextlib.suppress(pydantic.ValidationError):  # outside the field's own bounds
            values = kind.model_validate({**values, name: drawn}).model_dump()
    data = kind.model_validate(values)
    return Event(draw(printable), draw(printable), draw(printable), draw(moments), data)


@given(any_event())
def test_whatever_the_log_holds_fits_the_schemas_and_comes_back_whole(event: Event) -> None:
    row = {**to_row(event), "seq": 7, "recorded_at": RECORDED_AT.isoformat()}
    logged = from_row(row)
    assert logged.event == event
    assert from_json(to_json(logged)) == logged
    schema = schema_files.data_schema(type(event.data))
    Draft202012Validator(schema).validate(to_dict(logged)["data"])


@pytest.mark.parametrize(
    "change",
    [
        {"type": "forewarn.other.v1"},
        {"id": None},
        {"data": None},
        {"data": {"offence_id": "x"}},
        {"time": "yesterday"},
        {"subject": None},
        {"sequence": "many"},
        {"recordedtime": None},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_no_event_of_ours_is_put_aside(change: dict[str, Any]) -> None:
    values = {**to_dict(LoggedEvent(1, warned_event(), RECORDED_AT)), **change}
    values = {name: value for name, value in values.items() if value is not None}
    with pytest.raises(PutAside):
        from_json(json.dumps(values))


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"text"', "null", b"\xff\xfe"])
def test_what_is_no_json_object_is_put_aside(text: str | bytes) -> None:
    with pytest.raises(PutAside):
        from_json(text)


@pytest.mark.parametrize("name", ["data", "time", "subject", "dataschema"])
def test_the_schemas_refuse_an_event_that_lacks_something(
    validator: Draft202012Validator, name: str
) -> None:
    values = to_dict(warned_event())
    del values[name]
    with pytest.raises(ValidationError, match=name):
        validator.validate(values)


def test_the_schemas_refuse_data_of_another_type(validator: Draft202012Validator) -> None:
    camera, opened = (to_dict(event) for event in one_of_each()[:2])
    with pytest.raises(ValidationError):
        validator.validate({**camera, "data": opened["data"]})


def test_the_schema_files_are_up_to_date() -> None:
    assert schema_files.check() == []


def test_schema_files_that_are_old_missing_or_left_over_are_named_and_mended(
    tmp_path: Path,
) -> None:
    schema_files.write(tmp_path)
    missing, old, *_ = sorted(path.name for path in tmp_path.iterdir())
    (tmp_path / missing).unlink()
    (tmp_path / old).write_text("{}")
    (tmp_path / "forewarn.gone.v1.schema.json").write_text("{}")
    assert schema_files.check(tmp_path) == sorted([missing, old, "forewarn.gone.v1.schema.json"])
    schema_files.write(tmp_path)
    assert schema_files.check(tmp_path) == []


def test_the_documentation_has_the_list_of_types() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "reference" / "events.md"
    assert schema_files.types_list() in page.read_text("utf-8")
