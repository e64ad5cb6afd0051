"""The audit page tells reviewers what is wrong, since when and why, in their language."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from dashboards.display_names import DisplayNames
from dashboards.html.audit_trend import audit_html
from dashboards.texts import Lang
from domain.base import BothLanguages
from validation.report import AuditReport, CheckSummary, DayCount, Finding

RAN_AT = dt.datetime(2026, 3, 5, 1, 0, tzinfo=dt.UTC)


def report(failed: int = 1, reason: str = "too small") -> AuditReport:
    title = BothLanguages(zh="人物足够大", en="subject is large enough")
    findings = tuple(
        Finding(
            evidence_id=f"evd-{number:016x}",
            check="subject-size",
            group="clear",
            value="12",
            reason=BothLanguages(zh="人物太小", en=reason),
        )
        for number in range(failed)
    )
    days = [(2, 4, 0), (3, 4, failed)]
    return AuditReport(
        ran_at=RAN_AT,
        records=8,
        records_failed=failed,
        checks=(
            CheckSummary(
                check="subject-size", group="clear", title=title, examined=8, failed=failed
            ),
        ),
        findings=findings,
        days=tuple(
            DayCount(day=dt.date(2026, 3, day), check="subject-size", examined=of, failed=bad)
            for day, of, bad in days
        ),
    )


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", ("8 条证据，2 条有问题", "2 条：人物太小", "2026-03-03：4 条中 2 条不符合", "清晰")),
        (
            "en",
            (
                "8 records, 2 with findings",
                "2 records: too small",
                "2026-03-03: 2 of 4 fail",
                "Clear",
            ),
        ),
    ],
)
def test_counts_and_reasons_are_told_in_the_readers_language(
    lang: Lang, words: tuple[str, ...]
) -> None:
    drawn = audit_html([report(2)], DisplayNames(None, lang))
    for each in words:
        assert each in drawn, each
    assert f"/record/evd-0000000000000000?lang={lang}" in drawn


def test_a_cell_has_its_number_and_its_shade_by_the_share() -> None:
    few, all_ = (audit_html([report(n)], DisplayNames(None, "en")) for n in (1, 4))
    shades = [
        re.findall(r'class="bad" style="background:(#\w+)"', drawn)[0] for drawn in (few, all_)
    ]
    assert shades[0] != shades[1]
    assert few.count('class="fine"') == 1


def test_nothing_that_a_record_says_becomes_markup() -> None:
    drawn = audit_html([report(1, "<script>alert(1)</script>")], DisplayNames(None, "en"))
    assert "<script>" not in drawn and "&lt;script&gt;" in drawn


def test_before_the_first_audit_the_page_says_how_to_run_one() -> None:
    assert "forewarn audit" in audit_html([], DisplayNames(None, "en"))
    assert "没有发现问题" in audit_html([report(0)], DisplayNames(None, "zh"))
