"""Every kind of event comes back from JSON as it was, and is known by its type alone."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from domain.events.catalog import (
    DATA_BY_TYPE,
    EVENT_DATA,
    OUTCOME_TYPES,
    CommandGiven,
    Event,
    EventData,
    OffenceData,
    OffenceWarned,
    OutcomeData,
    RequestData,
    expect_event,
    narrow_event,
    parse_data,
)
from tests.support.example_events import one_of_each

EXAMPLES = one_of_each()
BY_TYPE = {event.type: event for event in EXAMPLES}
TYPES = sorted(DATA_BY_TYPE)


def all_kinds(base: type[EventData] = EventData) -> set[type[EventData]]:
    """List the classes that name a type; those that only share fields name none."""
    kinds = {base} if "event_type" in vars(base) else set()
    return kinds.union(*(all_kinds(each) for each in base.__subclasses__()))


def test_every_class_that_names_a_type_is_in_the_table() -> None:
    ours = {kind for kind in all_kinds() if kind.__module__.startswith("domain.events.")}
    assert ours == set(EVENT_DATA)
    assert len(DATA_BY_TYPE) == len(EVENT_DATA) == 41


def test_there_is_an_example_of_every_kind() -> None:
    assert sorted({event.type for event in EXAMPLES}) == TYPES


@pytest.mark.parametrize("event_type", TYPES)
def test_data_come_back_from_json_as_they_were(event_type: str) -> None:
    data = BY_TYPE[event_type].data
    stored = json.loads(data.model_dump_json())
    read = parse_data(event_type, stored)
    assert read == data
    assert type(read) is type(data) is DATA_BY_TYPE[event_type]
    assert json.loads(read.model_dump_json()) == stored


@pytest.mark.parametrize("event_type", TYPES)
def test_data_with_something_unknown_in_them_are_refused(event_type: str) -> None:
    stored = json.loads(BY_TYPE[event_type].data.model_dump_json())
    with pytest.raises(ValidationError, match="Extra inputs"):
        parse_data(event_type, {**stored, "mood": "calm"})


@pytest.mark.parametrize("event_type", TYPES)
def test_a_needed_field_cannot_be_left_out(event_type: str) -> None:
    stored = json.loads(BY_TYPE[event_type].data.model_dump_json())
    needed = [n for n, f in DATA_BY_TYPE[event_type].model_fields.items() if f.is_required()]
    assert needed
    for name in needed:
        with pytest.raises(ValidationError, match=name):
            parse_data(event_type, {key: stored[key] for key in stored if key != name})


@pytest.mark.parametrize("event_type", TYPES)
@pytest.mark.parametrize("attribute", ["id", "time", "data"])
def test_what_happened_never_changes(event_type: str, attribute: str) -> None:
    event = BY_TYPE[event_type]
    name = next(iter(type(event.data).model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(event.data, name, "other")
    with pytest.raises(FrozenInstanceError):
        setattr(event, attribute, "other")


@pytest.mark.parametrize("event_type", TYPES)
def test_types_are_named_by_one_pattern(event_type: str) -> None:
    owner, *middle, version = event_type.split(".")
    assert owner == "forewarn" and version == "v1" and len(middle) == 2
    assert all(part.replace("-", "").isalpha() and part.islower() for part in middle)


def test_an_unknown_type_is_no_event() -> None:
    with pytest.raises(KeyError, match=r"forewarn\.offence\.forgiven\.v1"):
        parse_data("forewarn.offence.forgiven.v1", {})


def test_outcomes_are_the_kinds_that_carry_every_sighting() -> None:
    assert set(OUTCOME_TYPES) == {
        kind.event_type for kind in EVENT_DATA if "rung_sightings" in kind.model_fields
    }
    assert {kind.rpartition(".offence.")[2] for kind in OUTCOME_TYPES} == {
        "complied.v1",
        "lapsed.v1",
        "escalated.v1",
        "exempted.v1",
        "unknown.v1",
        "dismissed.v1",
        "merged.v1",
    }


@pytest.mark.parametrize("kind", [OffenceWarned, CommandGiven, OffenceData, OutcomeData, EventData])
def test_an_event_is_narrowed_to_its_kind_and_to_no_other(kind: type[EventData]) -> None:
    fitting = [event for event in EXAMPLES if isinstance(event.data, kind)]
    assert fitting
    for event in EXAMPLES:
        narrowed = narrow_event(event, kind)
        assert narrowed is (event if event in fitting else None)


def test_an_event_of_another_kind_than_expected_is_named() -> None:
    warned = BY_TYPE[OffenceWarned.event_type]
    assert expect_event(warned, OffenceWarned) is warned
    with pytest.raises(TypeError, match=rf"{warned.id}: needed CommandGiven, got"):
        expect_event(warned, CommandGiven)
    command = BY_TYPE[CommandGiven.event_type]
    with pytest.raises(TypeError, match=rf"{command.id}: needed OffenceData, got"):
        expect_event(command, OffenceData)


@pytest.mark.parametrize("kind", [OffenceData, OutcomeData, RequestData, EventData])
def test_a_kind_without_a_type_of_its_own_can_still_be_expected(kind: type[EventData]) -> None:
    assert "event_type" not in vars(kind)
    fitting = [event for event in EXAMPLES if isinstance(event.data, kind)]
    assert fitting
    for event in fitting:
        assert expect_event(event, kind) is event


def test_the_same_event_is_equal_whoever_made_it() -> None:
    def make(**changes: Any) -> Event:
        values = {
            "id": "e",
            "source": "s",
            "subject": "o",
            "time": datetime(2026, 3, 2, tzinfo=UTC),
        }
        return Event(**values | changes, data=EXAMPLES[0].data)

    assert make() == make()
    assert make() != make(id="f")
