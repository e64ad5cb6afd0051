"""Why a camera may not warn: fixed codes, so that programs can count them and people translate them."""

from __future__ import annotations

from enum import StrEnum

from domain.facts import BothLanguages


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

EXPLANATIONS: dict[Unfit, BothLanguages] = {
    Unfit.NO_RECORD: BothLanguages(
        zh="站点文件中没有它的合规记录", en="the site file has no compliance record for it"
    ),
    Unfit.LOCATION_UNPUBLISHED: BothLanguages(
        zh="其安装位置尚未公示", en="its location is not published yet"
    ),
    Unfit.NO_SIGN: BothLanguages(zh="现场尚未设提示牌", en="no sign is in place yet"),
    Unfit.TECHNICAL_REVIEW_MISSING: BothLanguages(
        zh="未做技术审查", en="it has had no technical review"
    ),
    Unfit.TECHNICAL_REVIEW_LAPSED: BothLanguages(
        zh="技术审查已过期", en="its technical review has lapsed"
    ),
    Unfit.LEGAL_REVIEW_MISSING: BothLanguages(zh="未做法制审核", en="it has had no legal review"),
    Unfit.LEGAL_REVIEW_LAPSED: BothLanguages(zh="法制审核已过期", en="its legal review has lapsed"),
    Unfit.RULE_NOT_ALLOWED: BothLanguages(
        zh="其合规记录不允许此规则", en="its compliance record does not allow this rule"
    ),
    Unfit.COVERED: BothLanguages(
        zh="画面全黑或单一，像被遮挡", en="its picture is dark or uniform, as if covered"
    ),
    Unfit.OUT_OF_FOCUS: BothLanguages(
        zh="画面远不如以往清晰", en="its picture is far less sharp than it used to be"
    ),
    Unfit.TURNED_AWAY: BothLanguages(
        zh="画面不是原来的视野", en="it does not show the view that it used to show"
    ),
    Unfit.FROZEN: BothLanguages(
        zh="画面一个像素都不变", en="its picture stands still to the last pixel"
    ),
}


def explain(reasons: tuple[str, ...]) -> str:
    """One line of English for codes; "" for none. A code that is not known stands for itself."""
    return "; ".join(words.en for words in _words_of(reasons))


def explain_to_all(reasons: tuple[str, ...]) -> BothLanguages:
    """The same in both languages; there must be a reason."""
    said = _words_of(reasons)
    return BothLanguages(
        zh="；".join(words.zh for words in said), en="; ".join(words.en for words in said)
    )


def _words_of(reasons: tuple[str, ...]) -> list[BothLanguages]:
    known = {str(code): words for code, words in EXPLANATIONS.items()}
    return [known.get(str(code), BothLanguages(zh=str(code), en=str(code))) for code in reasons]
