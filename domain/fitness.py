"""Codes for why a camera may not warn: programs count them, people read their words."""

from __future__ import annotations

from enum import StrEnum

from domain.base import BothLanguages, both


class Unfit(StrEnum):
    """Name one reason for which a camera records but neither warns nor escalates."""

    NO_RECORD = "no-compliance-record"
    LOCATION_UNPUBLISHED = "location-not-published"
    NO_SIGN = "no-sign-in-place"
    TECHNICAL_REVIEW_MISSING = "technical-review-missing"
    TECHNICAL_REVIEW_LAPSED = "technical-review-lapsed"
    LEGAL_REVIEW_MISSING = "legal-review-missing"
    LEGAL_REVIEW_LAPSED = "legal-review-lapsed"
    RULE_NOT_ALLOWED = "rule-not-allowed"
    # of a picture with one of these, nobody can say who is where
    COVERED = "picture-covered"
    OUT_OF_FOCUS = "picture-out-of-focus"
    TURNED_AWAY = "picture-turned-away"
    FROZEN = "picture-frozen"
    # of some zones, while the rest of the picture is fine
    PARTLY_COVERED = "picture-partly-covered"


EXPLANATIONS: dict[Unfit, BothLanguages] = {
    Unfit.NO_RECORD: both(
        "站点文件中没有它的合规记录", "the site file has no compliance record for it"
    ),
    Unfit.LOCATION_UNPUBLISHED: both("其安装位置尚未公示", "its location is not published yet"),
    Unfit.NO_SIGN: both("现场尚未设提示牌", "no sign is in place yet"),
    Unfit.TECHNICAL_REVIEW_MISSING: both("未做技术审查", "it has had no technical review"),
    Unfit.TECHNICAL_REVIEW_LAPSED: both("技术审查已过期", "its technical review has lapsed"),
    Unfit.LEGAL_REVIEW_MISSING: both("未做法制审核", "it has had no legal review"),
    Unfit.LEGAL_REVIEW_LAPSED: both("法制审核已过期", "its legal review has lapsed"),
    Unfit.RULE_NOT_ALLOWED: both(
        "其合规记录不允许此规则", "its compliance record does not allow this rule"
    ),
    Unfit.COVERED: both(
        "画面全黑或单一，像被遮挡", "its picture is dark or uniform, as if covered"
    ),
    Unfit.OUT_OF_FOCUS: both(
        "画面远不如以往清晰", "its picture is far less sharp than it used to be"
    ),
    Unfit.TURNED_AWAY: both("画面不是原来的视野", "it does not show the view that it used to show"),
    Unfit.PARTLY_COVERED: both(
        "有东西遮住画面的一部分，其后情形看不见",
        "something before its lens hides a part of its picture",
    ),
    Unfit.FROZEN: both("画面一个像素都不变", "its picture stands still to the last pixel"),
}


def explain(reasons: tuple[str, ...]) -> str:
    """Word reasons in one line of English; "" for none. An unknown code stands for itself."""
    return "; ".join(words.en for words in _words_of(reasons))


def explain_to_all(reasons: tuple[str, ...]) -> BothLanguages:
    """Word reasons in both languages; there must be one."""
    texts = _words_of(reasons)
    return BothLanguages(
        zh="；".join(words.zh for words in texts), en="; ".join(words.en for words in texts)
    )


def _words_of(reasons: tuple[str, ...]) -> list[BothLanguages]:
    known = {str(code): words for code, words in EXPLANATIONS.items()}
    return [known.get(str(code), BothLanguages(zh=str(code), en=str(code))) for code in reasons]
