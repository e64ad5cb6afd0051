"""Times in rows sort as text, and a row that is no event is put aside with its number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import PutAside
from event_log.rows import as_text, from_row, to_row
from tests.support.example_events import one_of_each, warned_event

zones = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
moments = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=zones)
RECORDED_AT = datetime(2026, 3, 2, 8, 0, 1, tzinfo=UTC)


def stored(**changes: Any) -> dict[str, Any]:
    return {**to_row(warned_event()), "seq": 7, "recorded_at": as_text(RECORDED_AT)} | changes


@given(moments, moments)
def test_text_order_is_time_order(first: datetime, second: datetime) -> None:
    assert (as_text(first) < as_text(second)) == (first < second)
    assert datetime.fromisoformat(as_text(first)) == first
    assert len(as_text(first)) == len(as_text(second))


@pytest.mark.parametrize("event", one_of_each(), ids=lambda event: event.type)
def test_every_kind_comes_back_from_its_row(event: Any) -> None:
    logged = from_row({**to_row(event), "seq": 7, "recorded_at": as_text(RECORDED_AT)})
    assert (logged.seq, logged.event, logged.recorded_at) == (7, event, RECORDED_AT)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"type": "forewarn.moon.v1"}, "row 7: no event has type 'forewarn.moon.v1'"),
        ({"data": "{}"}, "row 7 of forewarn.offence.warned.v1: offence_id: Field required"),
        ({"data": "{"}, "row 7 of forewarn.offence.warned.v1: "),
        ({"time": "yesterday"}, "row 7 of forewarn.offence.warned.v1: "),
        ({"recorded_at": ""}, "row 7 of forewarn.offence.warned.v1: "),
        ({"time": 7}, "row 7 of forewarn.offence.warned.v1: "),
        ({"data": None}, "row 7 of forewarn.offence.warned.v1: "),
    ],
)
def test_a_row_that_is_no_event_is_put_aside_with_its_number(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(PutAside) as caught:
        from_row(stored(**changes))
    assert str(caught.value).startswith(words)
