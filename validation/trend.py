"""Count how often each check failed, by day or by audit, to see what gets worse and since when."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from domain.base import BothLanguages
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
    """Reason for which records fail a check, with one of them."""

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
        """Return plain values."""
        values = asdict(self)
        for row, each in zip(values["rows"], self.rows, strict=True):
            row["title"] = each.title.model_dump()
        for row, why in zip(values["reasons"], self.reasons, strict=True):
            row["reason"] = why.reason.model_dump()
        return values


def trend_by_day(report: AuditReport, last: int = COLUMNS) -> Trend:
    """Count one audit's records by the day, at the site, on which their offences ended.

    Args:
        report: of the audit.
        last: so many days, of those that have records.
    """
    days = sorted({count.day for count in report.days})[-last:]
    counts = {(count.check, count.day): count for count in report.days}

    def numbers(check: str, field: str) -> tuple[int, ...]:
        return tuple(
            getattr(counts[check, day], field) if (check, day) in counts else 0 for day in days
        )

    rows = tuple(
        TrendRow(
            check.check,
            check.group,
            check.title,
            numbers(check.check, "examined"),
            numbers(check.check, "failed"),
        )
        for check in report.checks
    )
    return Trend("day", tuple(map(dt.date.isoformat, days)), rows, reasons_of(report.findings))


def trend_by_audit(reports: Sequence[AuditReport], last: int = COLUMNS) -> Trend:
    """Set several audits side by side: what was repaired between them, and what was not.

    Args:
        reports: oldest first; at least one.
        last: so many of them.
    """
    shown = reports[-last:]
    counts = [{check.check: check for check in report.checks} for report in shown]

    def numbers(check: str, field: str) -> tuple[int, ...]:
        return tuple(getattr(count[check], field) if check in count else 0 for count in counts)

    rows = tuple(
        TrendRow(
            check.check,
            check.group,
            check.title,
            numbers(check.check, "examined"),
            numbers(check.check, "failed"),
        )
        for check in shown[-1].checks
    )
    columns = tuple(report.ran_at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M") for report in shown)
    return Trend("audit", columns, rows, reasons_of(shown[-1].findings))


def reasons_of(findings: Sequence[Finding]) -> tuple[Reason, ...]:
    """List why records fail, by check, the most frequent first, each with an example."""
    counts = Counter(finding.check for finding in findings)
    first = {finding.check: finding for finding in reversed(findings)}
    return tuple(
        Reason(check, count, first[check].reason, first[check].evidence_id)
        for check, count in counts.most_common()
    )
