"""A camera may warn only on days on which its whole record is in force."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from domain.fitness import EXPLANATIONS, Unfit, explain, explain_to_all
from domain.site.compliance import Compliance, Review, why_not_fit

TODAY = date(2026, 3, 2)
WHOLE = Compliance(
    location_published=date(2026, 1, 10),
    sign_in_place=TODAY,
    technical_review=Review(date=date(2026, 1, 20), valid_until=TODAY),
    legal_review=Review(date=date(2026, 1, 22), valid_until=date(2027, 1, 22)),
)


def but(**changes: object) -> Compliance:
    return Compliance.model_validate(WHOLE.model_dump() | changes)


def test_a_whole_record_in_force_is_fit_up_to_its_last_day() -> None:
    assert why_not_fit(WHOLE, "no-lingering", TODAY) == ()
    assert why_not_fit(WHOLE, "no-lingering", date(2026, 3, 3)) == (Unfit.TECHNICAL_REVIEW_LAPSED,)


def test_no_record_is_one_reason_and_an_empty_one_names_all_that_is_missing() -> None:
    assert why_not_fit(None, "no-lingering", TODAY) == (Unfit.NO_RECORD,)
    assert why_not_fit(Compliance(), "no-lingering", TODAY) == (
        Unfit.LOCATION_UNPUBLISHED,
        Unfit.NO_SIGN,
        Unfit.TECHNICAL_REVIEW_MISSING,
        Unfit.LEGAL_REVIEW_MISSING,
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"location_published": date(2026, 3, 3)}, Unfit.LOCATION_UNPUBLISHED),
        ({"sign_in_place": date(2026, 3, 3)}, Unfit.NO_SIGN),
        (
            {"legal_review": {"date": date(2026, 3, 3), "valid_until": date(2027, 1, 1)}},
            Unfit.LEGAL_REVIEW_MISSING,
        ),
        (
            {"legal_review": {"date": date(2025, 1, 1), "valid_until": date(2026, 3, 1)}},
            Unfit.LEGAL_REVIEW_LAPSED,
        ),
    ],
)
def test_what_is_only_planned_or_has_passed_does_not_count(
    changes: dict[str, object], reason: Unfit
) -> None:
    assert why_not_fit(but(**changes), None, TODAY) == (reason,)


def test_only_allowed_rules_may_warn_and_the_camera_itself_stays_fit() -> None:
    record = but(allowed_rules=("keep-off",))
    assert why_not_fit(record, "keep-off", TODAY) == ()
    assert why_not_fit(record, "no-lingering", TODAY) == (Unfit.RULE_NOT_ALLOWED,)
    assert why_not_fit(record, None, TODAY) == ()


def test_a_review_that_ends_before_it_began_is_refused() -> None:
    with pytest.raises(ValidationError, match="valid_until should not be before"):
        Review(date=TODAY, valid_until=date(2026, 3, 1))


def test_every_reason_has_words() -> None:
    assert set(EXPLANATIONS) == set(Unfit)
    assert explain(tuple(Unfit)).count("; ") == len(Unfit) - 1
    assert explain(("new-code",)) == "new-code"
    assert explain_to_all((Unfit.FROZEN, "new-code")).zh.endswith("；new-code")
