"""An operator's text may be spoken at any moment, so it names no rung and no law."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from domain.site.operators import NOT_AT_ANY_MOMENT, OperatorSettings
from domain.site.speech.call_text import FIELDS


def settings(en: str, zh: str = "请离开") -> OperatorSettings:
    return OperatorSettings.model_validate({"texts": [{"id": "go", "text": {"zh": zh, "en": en}}]})


@pytest.mark.parametrize("field", sorted(FIELDS.keys() - NOT_AT_ANY_MOMENT))
def test_fields_of_the_moment_and_the_place_are_taken(field: str) -> None:
    text = settings(f"Leave {{{field}}}").text("go")
    assert text is not None and text.en == f"Leave {{{field}}}"


@pytest.mark.parametrize("field", ["law", "of_rungs", "rung"])
def test_fields_of_a_rule_or_a_rung_are_refused_in_either_language(field: str) -> None:
    for texts in ({"en": f"By {{{field}}}"}, {"en": "Go", "zh": f"{{{field}}}"}):
        with pytest.raises(ValidationError, match=rf"is no rung .* got {{{field}}}"):
            settings(**texts)


def test_a_text_that_is_not_there_is_none() -> None:
    assert settings("Go").text("stay") is None
    assert OperatorSettings().text("go") is None


@pytest.mark.parametrize("hand_back_after_s", [0, -1, 86_401])
def test_a_take_over_ends_within_a_day(hand_back_after_s: float) -> None:
    with pytest.raises(ValidationError):
        OperatorSettings(hand_back_after_s=hand_back_after_s)
    assert 0 < OperatorSettings().hand_back_after_s <= 86_400
