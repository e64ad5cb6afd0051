"""How often each check failed, day by day or audit by audit: what gets worse, and since when."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from domain.facts import BothLanguages
from validation.report import AuditReport, Finding

COLUMNS = 14  # two weeks, and what fits a screen


@dataclass(frozen=True, slots=True)
class TrendRow:
    """One check over time; a number for each column of its Trend."""

    check: str
    group: str
    title: BothLanguages
    examined: tuple[int, ...]
    failed: tuple[int, ...]

    @property
    def shares(self) -> tuple[float | None, ...]:
        """Failed of examined, in [0, 1]; None where nothing was examined."""
        return tuple(
            bad / of if of else (1.0 if bad else None)
            for bad, of in zip(self.failed, self.examined, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Reason:
    """Why records fail a check, with one of them."""

    check: str
    records: int
    reason: BothLanguages  # of that one
    evidence_id: str


@dataclass(frozen=True, slots=True)
class Trend:
    """Every check over time, and what the last audit found."""

    by: str  # "day" or "audit"
    columns: tuple[str, ...]  # days, or times of audits; oldest first
    rows: tuple[TrendRow, ...]
    reasons: tuple[Reason, ...]  # the most frequent first

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        told = asdict(self)
        for row, each in zip(told["rows"], self.rows, strict=True):
            row["title"] = each.title.model_dump()
        for row, why in zip(told["reasons"], self.reasons, strict=True):
            row["reason"] = why.reason.model_dump()
        return told


def trend_by_day(report: AuditReport, last: int = COLUMNS) -> Trend:
    """One audit's records by the day, at the site, on which their offences ended.

    Args:
        last: so many days, of those that have records.
    """
    days = sorted({each.day for each in report.days})[-last:]
    counts = {(each.check, each.day): each for each in report.days}

    def numbers(check: str, field: str) -> tuple[int, ...]:
        return tuple(
            getattr(counts[check, day], field) if (check, day) in counts else 0 for day in days
        )

    rows = tuple(
        TrendRow(
            each.check,
            each.group,
            each.title,
            numbers(each.check, "examined"),
            numbers(each.check, "failed"),
        )
        for each in report.checks
    )
    return Trend("day", tuple(map(dt.date.isoformat, days)), rows, reasons_of(report.findings))


def trend_by_audit(reports: Sequence[AuditReport], last: int = COLUMNS) -> Trend:
    """Several audits side by side: what was repaired between them, and what was not.

    Args:
        reports: oldest first; at least one.
        last: so many of them.
    """
    shown = reports[-last:]
    counts = [{each.check: each for each in report.checks} for report in shown]

    def numbers(check: str, field: str) -> tuple[int, ...]:
        return tuple(getattr(each[check], field) if check in each else 0 for each in counts)

    rows = tuple(
        TrendRow(
            each.check,
            each.group,
            each.title,
            numbers(each.check, "examined"),
            numbers(each.check, "failed"),
        )
        for each in shown[-1].checks
    )
    columns = tuple(report.ran_at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M") for report in shown)
    return Trend("audit", columns, rows, reasons_of(shown[-1].findings))


def reasons_of(findings: Sequence[Finding]) -> tuple[Reason, ...]:
    """Why records fail, by check, the most frequent first, each with an example."""
    counts = Counter(each.check for each in findings)
    first = {each.check: each for each in reversed(findings)}
    return tuple(
        Reason(check, count, first[check].reason, first[check].evidence_id)
        for check, count in counts.most_common()
    )
