"""Saved state is plain, comes back exactly, and is refused where it cannot be read."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events.catalog import Event
from domain.saved_state import SavedArray, StateFormat, StateUnusable
from tests.support.example_events import one_of_each
from tests.support.plain_state import plain_of, saved_as


@dataclass(slots=True)
class _Part:
    share: float
    at: datetime
    note: str = "none"


@dataclass(slots=True, eq=False)
class _Whole:
    parts: dict[str, _Part]
    looks: Annotated[np.ndarray, SavedArray("float32", (2,))] | None = None
    codes: tuple[str, ...] = ()


FORMAT = StateFormat[_Whole](_Whole)
moments = st.datetimes(timezones=st.just(UTC))
parts = st.builds(_Part, st.floats(allow_nan=False), moments, st.text())


@given(st.dictionaries(st.text(), parts), st.lists(st.text()))
def test_numbers_times_and_texts_come_back_exactly_as_they_were(
    named: dict[str, _Part], codes: list[str]
) -> None:
    saved = FORMAT.save(_Whole(named, codes=tuple(codes)))
    back = FORMAT.restore(pickle.loads(pickle.dumps(saved)))
    assert (back.parts, back.codes) == (named, tuple(codes))
    assert FORMAT.save(back) == saved


@pytest.mark.parametrize("kind", [np.uint8, np.float16, np.float32, np.int64])
def test_arrays_come_back_with_kind_and_shape(kind: type) -> None:
    looks = np.arange(24).reshape(2, 3, 4).astype(kind)
    array: Any = Annotated[np.ndarray, SavedArray(np.dtype(kind).name, (2, 3, 4))]
    looked = StateFormat[np.ndarray](array)
    back = looked.restore(looked.save(looks))
    assert back.dtype == kind
    np.testing.assert_array_equal(back, looks)
    back[0, 0, 0] = 9  # it belongs to whoever restored it


def test_each_kind_of_event_comes_back_as_the_same_event() -> None:
    events = one_of_each()
    history = StateFormat[list[Event]](list[Event])
    saved = history.save(events)
    assert history.restore(pickle.loads(pickle.dumps(saved))) == events
    assert plain_of(saved)[0]["type"] == events[0].type


def test_numbers_of_numpy_are_saved_as_numbers_and_what_is_not_plain_is_not_saved() -> None:
    notes = StateFormat[dict[str, Any]](dict[str, Any])
    saved = notes.save({"share": np.float32(0.5), "n": np.int64(3), "is_so": np.bool_(True)})
    assert saved["state"] == '[{"share":0.5,"n":3,"is_so":true}]'
    part = FORMAT.save(_Whole({"one": _Part(np.float32(0.5), datetime(2026, 3, 2, tzinfo=UTC))}))  # type: ignore[arg-type]
    assert type(plain_of(part)["parts"]["one"]["share"]) is float
    with pytest.raises(ValueError, match="object is no plain value"):
        notes.save({"who": object()})


def test_what_is_saved_does_not_change_with_the_state() -> None:
    state = _Whole({"one": _Part(1.0, datetime(2026, 3, 2, tzinfo=UTC))}, np.zeros(2))
    saved = FORMAT.save(state)
    before = json.dumps(saved)
    state.parts["one"].share = 2.0
    assert state.looks is not None
    state.looks[0] = 1
    assert json.dumps(saved) == before


def test_a_field_that_came_later_has_its_default() -> None:
    plain = plain_of(FORMAT.save(_Whole({"one": _Part(1.0, datetime(2026, 3, 2, tzinfo=UTC))})))
    del plain["parts"]["one"]["note"]
    assert FORMAT.restore(saved_as(plain)).parts["one"].note == "none"


def _with(change: dict[str, Any]) -> dict[str, Any]:
    at = "2026-03-02T08:00:00Z"
    part = {"share": 0.5, "at": at, "note": ""} | change
    return saved_as({"parts": {"one": part}, "looks": None, "codes": []})


@pytest.mark.parametrize(
    ("saved", "reason"),
    [
        (saved_as({}, version=0), "it has version 0, needed is 1"),
        (saved_as({}, version=2), "it has version 2, needed is 1"),
        ({**_with({}), "version": 2}, "checksum"),
        ({**_with({}), "version": "1"}, "not in the form"),
        ({**_with({}), "version": 10**5000}, "checksum"),
        ({**_with({}), "state": "\ud800"}, "checksum"),
        ({**_with({}), "note": 1}, "not in the form"),
        ({"state": {}}, "not in the form"),
        (("log", 7), "not in the form"),
        (None, "not in the form"),
        (saved_as({}), "parts: "),
        (saved_as(None), "the whole: "),
        (_with({"share": "much"}), "parts.one.share: "),
        (_with({"at": "yesterday"}), "parts.one.at: "),
        (_with({"height": 1}), "parts.one.height: Unexpected"),
        (saved_as({"parts": {}, "looks": {"dtype": "float32"}}), "looks: "),
        (saved_as({"parts": {}, "looks": "AAAAAAAA"}), "looks: "),
        (saved_as({"parts": {}, "looks": "AAAAAAAAAAA=!"}), "looks: "),
        (saved_as({"parts": {}, "looks": [1.0]}), "looks: "),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_field(saved: object, reason: str) -> None:
    with pytest.raises(StateUnusable, match=reason.replace(".", r"\.")):
        FORMAT.restore(saved)


@pytest.mark.parametrize("change", [{"type": "forewarn.no-such.v1"}, {"time": 7}, {"data": {}}])
def test_an_event_that_this_version_does_not_know_is_refused(change: dict[str, object]) -> None:
    one = StateFormat[Event](Event)
    saved = one.save(one_of_each()[0])
    with pytest.raises(StateUnusable):
        one.restore(saved_as(plain_of(saved) | change))


@pytest.mark.parametrize("key", ["version", "sum", "state"])
def test_no_changed_character_goes_unnoticed(key: str) -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    saved = FORMAT.save(_Whole({"one": _Part(7.25, at)}, np.ones(2, np.float32)))
    text = str(saved[key])
    for place in range(len(text)):
        other = text[:place] + ("1" if text[place] != "1" else "2") + text[place + 1 :]
        with pytest.raises(StateUnusable):
            FORMAT.restore({**saved, key: int(other) if key == "version" else other})


def test_numbers_that_are_none_come_back_too() -> None:
    shares = StateFormat[list[float]](list[float])
    nan, *ends = shares.restore(shares.save([np.nan, np.inf, -np.inf]))
    assert np.isnan(nan) and ends == [np.inf, -np.inf]
