"""Ids, shares and texts of the site file take what they should and nothing more."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from domain.base import (
    BothLanguages,
    Fraction01,
    FrozenModel,
    Identifier,
    refuse_faults,
    repeated,
)

IDENTIFIER: TypeAdapter[str] = TypeAdapter(Identifier)
FRACTION: TypeAdapter[float] = TypeAdapter(Fraction01)


@given(st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True))
def test_lower_case_letters_digits_and_dashes_make_an_id(text: str) -> None:
    assert IDENTIFIER.validate_python(text) == text


@given(st.text(max_size=70).filter(lambda t: not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", t)))
def test_no_other_text_is_an_id(text: str) -> None:
    with pytest.raises(ValidationError):
        IDENTIFIER.validate_python(text)


@pytest.mark.parametrize("text", ["gate|rule", "gate/1", "../gate", "gate\n", "Gate", "-gate", ""])
def test_an_id_never_breaks_keys_or_paths(text: str) -> None:
    with pytest.raises(ValidationError):
        IDENTIFIER.validate_python(text)


@given(st.floats())
def test_a_share_lies_between_nothing_and_all(value: float) -> None:
    if 0 <= value <= 1:
        assert FRACTION.validate_python(value) == value
        return
    with pytest.raises(ValidationError):
        FRACTION.validate_python(value)


@pytest.mark.parametrize(
    "values", [{"zh": "门"}, {"en": "gate"}, {"zh": "", "en": "gate"}, {"zh": "门", "en": ""}, {}]
)
def test_a_text_is_always_in_both_languages(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        BothLanguages.model_validate(values)


def test_what_was_read_never_changes_and_has_nothing_unknown_in_it() -> None:
    class Setting(FrozenModel):
        depth: int = 1

    setting = Setting()
    with pytest.raises(ValidationError, match="frozen"):
        setting.depth = 2
    with pytest.raises(ValidationError, match="Extra inputs"):
        Setting.model_validate({"depth": 1, "width": 2})


@given(st.lists(st.sampled_from("abc"), max_size=8), st.integers(0, 8))
def test_a_repeated_value_is_named_at_each_place_after_its_first(
    values: list[str], start: int
) -> None:
    expected = [row for row in range(start, len(values)) if values.index(values[row]) < row]
    assert [row for row, _ in repeated(values, start)] == expected
    assert all(values[row] == value for row, value in repeated(values, start))


def test_faults_fail_a_model_with_their_places_and_no_fault_does_not() -> None:
    refuse_faults([])
    with pytest.raises(PydanticCustomError) as caught:
        refuse_faults([(("rules", 0), "is odd"), (("cameras", 1), "is gone")])
    assert caught.value.message() == "is odd; is gone"
    context = caught.value.context or {}
    assert [place for place, _ in context["faults"]] == [("rules", 0), ("cameras", 1)]
