"""Verdicts are joined as Kleene's logic has it."""

from __future__ import annotations

from itertools import product

import pytest

from flows.conditions.verdict import Verdict, all_of, any_of

NO, UNKNOWN, YES = Verdict.DOES_NOT_HOLD, Verdict.NOT_KNOWN, Verdict.HOLDS


def could_be(verdict: Verdict) -> set[bool]:
    return {NO: {False}, UNKNOWN: {False, True}, YES: {True}}[verdict]


@pytest.mark.parametrize("verdicts", product(Verdict, repeat=3))
def test_a_joined_verdict_is_known_where_the_unknown_parts_cannot_change_it(
    verdicts: tuple[Verdict, ...],
) -> None:
    worlds = list(product(*map(could_be, verdicts)))
    assert could_be(all_of(verdicts)) == {all(world) for world in worlds}
    assert could_be(any_of(verdicts)) == {any(world) for world in worlds}


def test_what_is_known_holds_or_does_not() -> None:
    assert (Verdict.of(True), Verdict.of(False)) == (YES, NO)


def test_a_verdict_is_not_true_or_false() -> None:
    with pytest.raises(TypeError, match="compare it"):
        bool(UNKNOWN)
