"""Why a camera may not warn: fixed codes, so that programs can count them and people translate them."""

from __future__ import annotations

from enum import StrEnum


class Unfit(StrEnum):
    """One reason for which a camera records but neither warns nor escalates."""

    NO_RECORD = "no-compliance-record"
    LOCATION_UNPUBLISHED = "location-not-published"
    NO_SIGN = "no-sign-in-place"
    TECHNICAL_REVIEW_MISSING = "technical-review-missing"
    TECHNICAL_REVIEW_LAPSED = "technical-review-lapsed"
    LEGAL_REVIEW_MISSING = "legal-review-missing"
    LEGAL_REVIEW_LAPSED = "legal-review-lapsed"
    RULE_NOT_ALLOWED = "rule-not-allowed"
    COVERED = "picture-covered"
    OUT_OF_FOCUS = "picture-out-of-focus"
    TURNED_AWAY = "picture-turned-away"
    FROZEN = "picture-frozen"


# of a picture with one of these, nobody can say who is where
PICTURE_FAULTS = frozenset(
    {Unfit.COVERED, Unfit.OUT_OF_FOCUS, Unfit.TURNED_AWAY, Unfit.FROZEN},
)

EXPLANATIONS: dict[Unfit, str] = {
    Unfit.NO_RECORD: "the site file has no compliance record for it",
    Unfit.LOCATION_UNPUBLISHED: "its location is not published yet",
    Unfit.NO_SIGN: "no sign is in place yet",
    Unfit.TECHNICAL_REVIEW_MISSING: "it has had no technical review",
    Unfit.TECHNICAL_REVIEW_LAPSED: "its technical review has lapsed",
    Unfit.LEGAL_REVIEW_MISSING: "it has had no legal review",
    Unfit.LEGAL_REVIEW_LAPSED: "its legal review has lapsed",
    Unfit.RULE_NOT_ALLOWED: "its compliance record does not allow this rule",
    Unfit.COVERED: "its picture is dark or uniform, as if covered",
    Unfit.OUT_OF_FOCUS: "its picture is far less sharp than it used to be",
    Unfit.TURNED_AWAY: "it does not show the view that it used to show",
    Unfit.FROZEN: "its picture stands still to the last pixel",
}


def explain(reasons: tuple[str, ...]) -> str:
    """One line of English for codes; "" for none. A code that is not known stands for itself."""
    known = {str(code): words for code, words in EXPLANATIONS.items()}
    return "; ".join(known.get(str(code), str(code)) for code in reasons)
