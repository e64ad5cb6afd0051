"""Every reason why a camera may not warn has words, and an unknown one stands for itself."""

from __future__ import annotations

import pytest

from domain.fitness import EXPLANATIONS, Unfit, explain, explain_to_all


@pytest.mark.parametrize("reason", Unfit)
def test_every_reason_is_worded_in_both_languages(reason: Unfit) -> None:
    words = explain_to_all((reason,))
    assert words == EXPLANATIONS[reason]
    assert words.zh != words.en and not words.zh.isascii() and words.en.isascii()
    assert explain((reason.value,)) == words.en, "codes come back from the log as plain text"


def test_no_two_reasons_read_the_same() -> None:
    assert len({words.en for words in EXPLANATIONS.values()}) == len(Unfit)
    assert len({words.zh for words in EXPLANATIONS.values()}) == len(Unfit)


def test_several_reasons_make_one_line_in_their_order() -> None:
    reasons = (Unfit.NO_SIGN, Unfit.COVERED)
    both = explain_to_all(reasons)
    assert explain(reasons) == both.en
    assert both.en.split("; ") == [EXPLANATIONS[each].en for each in reasons]
    assert both.zh.split("；") == [EXPLANATIONS[each].zh for each in reasons]


def test_a_code_of_a_newer_version_stands_for_itself() -> None:
    assert explain(("struck-by-lightning", Unfit.NO_SIGN)) == (
        f"struck-by-lightning; {EXPLANATIONS[Unfit.NO_SIGN].en}"
    )
    assert explain(()) == ""


def test_faults_of_the_picture_are_those_that_nobody_can_see_through() -> None:
    assert {each for each in Unfit if each.value.startswith("picture-")} == {
        Unfit.COVERED,
        Unfit.OUT_OF_FOCUS,
        Unfit.TURNED_AWAY,
        Unfit.FROZEN,
        Unfit.PARTLY_COVERED,  # of some zones
    }
