"""A call has one announcement, and one that may have been heard is not made again."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.events.announcements import (
    MAY_HAVE_BEEN_HEARD,
    AnnouncementMade,
    AnnouncementResult,
    announcement_of,
)
from tests.support.example_events import one_of_each

RESULTS = get_args(AnnouncementResult)
(MADE,) = [event.data for event in one_of_each() if isinstance(event.data, AnnouncementMade)]


@pytest.mark.parametrize("result", RESULTS)
def test_only_what_was_surely_played_or_written_was_spoken(result: str) -> None:
    made = MADE.model_copy(update={"result": result})
    assert made.was_spoken == (result in ("written", "played"))
    if made.was_spoken:
        assert result in MAY_HAVE_BEEN_HEARD


def test_doubt_counts_as_heard() -> None:
    assert set(RESULTS) >= MAY_HAVE_BEEN_HEARD
    assert {"timed out", "unknown whether played"} <= MAY_HAVE_BEEN_HEARD
    assert not MAY_HAVE_BEEN_HEARD & {"failed", "busy", "too late", "refused", "quiet hours"}


@given(st.lists(st.from_regex(r"evt-[0-9a-f]{16}", fullmatch=True), unique=True, min_size=1))
def test_each_warning_has_one_announcement_of_its_own(warnings: list[str]) -> None:
    ids = [announcement_of(warning) for warning in warnings]
    assert len(set(ids)) == len(warnings)
    assert ids == [announcement_of(warning) for warning in warnings]


@pytest.mark.parametrize("change", [{"volume": 0}, {"volume": 1.1}, {"result": "sung"}])
def test_a_loudness_or_result_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AnnouncementMade.model_validate({**MADE.model_dump(), **change})
