"""Run an audit and keep its report."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd

from domain.base import BothLanguages
from domain.data_dir import DataDir
from domain.errors import TryAgain
from domain.site.site import Site
from validation.checks import Check, Limits, checks
from validation.measurements import Progress, measure
from validation.report import AuditReport, CheckSummary, DayCount, Finding

# longest first: a masked snapshot is no snapshot
PARTS_ZH = {
    "masked snapshot": "遮挡截图",
    "drawn snapshot": "标注截图",
    "masked clip": "遮挡视频",
    "snapshot": "截图",
    "clip": "视频片段",
    "numbers": "数据文件",
}
# a part's name, but not inside a file's name
_PART = re.compile(rf"(?<![\w/.-])(?:{'|'.join(PARTS_ZH)})(?![\w.-])")

if TYPE_CHECKING:  # takes seconds to load
    from validation.suite import CheckResult


def run_audit(
    data: DataDir,
    site: Site | None = None,
    *,
    limits: Limits | None = None,
    progress: Progress = lambda done, total: None,
) -> AuditReport:
    """Hold every check against every record and keep the report in `data.audits`.

    Imports Great Expectations: seconds, so in a process of its own.

    Args:
        data: the folder to audit.
        site: for records that do not carry the rule they were judged by.
        limits: what counts as clear; None: the usual ones.
        progress: is called with records measured, and of how many.
    Raises:
        TryAgain: the table cannot be read, or the report not be written.
        Stop: the suite does not fit the measurements.
    """
    from validation.suite import run_suite

    measured = measure(data, site, progress)
    results = run_suite(measured, checks(limits))
    findings = tuple(
        _finding(result.check, {str(k): v for k, v in measured.iloc[row].items()})
        for result in results
        for row in result.failed_rows
    )
    report = AuditReport(
        ran_at=datetime.now(UTC),
        records=len(measured),
        records_failed=len({finding.evidence_id for finding in findings}),
        checks=tuple(
            CheckSummary(
                check=result.check.id,
                group=result.check.group,
                title=result.check.title,
                examined=result.examined,
                failed=len(result.failed_rows),
            )
            for result in results
        ),
        findings=findings,
        days=_days(measured, results, site),
    )
    try:
        report.write(data.audits)
    except OSError as error:
        raise TryAgain(f"{data.audits}: the report cannot be written: {error.strerror}") from error
    return report


def _days(
    measured: pd.DataFrame, results: list[CheckResult], site: Site | None
) -> tuple[DayCount, ...]:
    """Count each check by the day, at the site, on which offences ended."""
    zone = ZoneInfo(site.site.timezone if site else "UTC")
    ended = [at.astimezone(zone).date() if at is not None else None for at in measured["ended_at"]]
    counts = []
    for result in results:
        examined = Counter(
            day
            for day, value in zip(ended, measured[result.check.column], strict=True)
            if day is not None and pd.notna(value)
        )
        failed = Counter(ended[row] for row in result.failed_rows)
        counts += [
            DayCount(day=day, check=result.check.id, examined=examined[day], failed=failed[day])
            for day in sorted(
                {*examined, *(failed_on for failed_on in failed if failed_on is not None)}
            )
        ]
    return tuple(counts)


def _finding(check: Check, row: dict[str, Any]) -> Finding:
    value = row[check.column]
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return Finding(
        evidence_id=str(row["evidence_id"]),
        check=check.id,
        group=check.group,
        value=text,
        reason=BothLanguages(
            zh=check.reason.zh.format(value=_in_chinese(text)),
            en=check.reason.en.format(value=text),
        ),
    )


def _in_chinese(value: str) -> str:
    """Call the parts of a record in a measured value by their Chinese names."""
    return _PART.sub(lambda found: PARTS_ZH[found[0]], value)
