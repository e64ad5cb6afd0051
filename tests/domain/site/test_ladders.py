"""A ladder's settings fit together, and who comes back begins where it says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from site_values import ladder, rung

from domain.site.ladders import Rung

SILENT = {"id": "note", "after_s": 0, "does": ["open_case"]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"text": None}, "needs a text"),
        ({"does": []}, "at least 1 item"),
        ({"does": ["announce", "announce"]}, "name each thing once, got announce, announce"),
        ({"notifies": ["desk"]}, "recipients are named, but does has no notify"),
        ({"does": ["whistle"]}, "Input should be 'announce', 'notify'"),
        ({"after_s": -1}, "greater than or equal to 0"),
        ({"text": {"zh": "请{go}", "en": "Go"}}, "got {go}"),
    ],
)
def test_a_rung_that_cannot_be_climbed_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Rung.model_validate(rung(**changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"escalation_notifies": ["desk"]}, "escalation_does has no notify"),
        ({"escalation_does": ["notify", "notify"]}, "name each thing once"),
        ({"escalation_does": ["announce"]}, "Input should be 'notify'"),
        ({"repeat_window_s": 60, "repeat_starts_at": 2}, "names rung 2, the ladder has 1"),
        ({"languages": []}, "at least 1 item"),
        ({"languages": ["Chinese"]}, "should match pattern"),
        ({"waits_for_call_s": 0}, "greater than 0"),
    ],
)
def test_a_ladder_that_cannot_stand_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ladder(**changes)


def test_a_rung_speaks_unless_it_says_what_else_it_does() -> None:
    speaking, silent = ladder("calls", rung(), SILENT).rungs
    assert speaking.announces and not silent.announces
    assert silent.text is None


@given(rungs=st.integers(1, 6), starts_at=st.integers(1, 8), earlier=st.integers(0, 9))
def test_who_comes_back_begins_at_a_rung_that_is_there(
    rungs: int, starts_at: int, earlier: int
) -> None:
    steps = [rung(f"r{number}") for number in range(rungs)]
    settings = {"repeat_window_s": 60, "repeat_starts_at": starts_at}
    if starts_at > rungs:
        with pytest.raises(ValidationError, match=f"names rung {starts_at}"):
            ladder("calls", *steps, **settings)
        return
    first = ladder("calls", *steps, **settings).first_rung(earlier)
    assert first == (starts_at - 1 if earlier else 0)
    assert 0 <= first < rungs
