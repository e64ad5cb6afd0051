"""A rule has a threshold and bounds within which a detector can be believed."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from site_values import rule


def test_what_is_left_out_is_ordinary_and_always() -> None:
    plain = rule()
    assert (plain.severity, plain.hours, plain.category, plain.legal_basis) == (
        "ordinary",
        None,
        None,
        None,
    )
    assert not plain.first_time_exempt
    assert plain.gap_tolerance_s < plain.restart_tolerance_s


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold_s": -0.1},
        {"threshold_s": None},
        {"min_score": 0.01},
        {"min_score": 1.5},
        {"gap_tolerance_s": -1},
        {"restart_tolerance_s": -1},
        {"severity": "terrible"},
        {"ladder": None},
    ],
)
def test_a_rule_out_of_bounds_is_refused_and_the_setting_named(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        rule(**changes)
    assert [error["loc"] for error in caught.value.errors()] == [(next(iter(changes)),)]
