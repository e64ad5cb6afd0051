"""Run an audit and keep its report."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from domain.data_dir import DataDir
from domain.errors import TryAgain
from domain.site import BothLanguages, Site
from validation.checks import Check, Limits, checks
from validation.measurements import Progress, measure
from validation.report import AuditReport, CheckSummary, Finding


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
        site: for records that do not carry the rule they were judged by.
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
        records_failed=len({each.evidence_id for each in findings}),
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
    )
    try:
        report.write(data.audits)
    except OSError as error:
        raise TryAgain(f"{data.audits}: the report cannot be written: {error.strerror}") from error
    return report


def _finding(check: Check, row: dict[str, Any]) -> Finding:
    value = row[check.column]
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return Finding(
        evidence_id=str(row["evidence_id"]),
        check=check.id,
        group=check.group,
        value=text,
        reason=BothLanguages(
            zh=check.reason.zh.format(value=text), en=check.reason.en.format(value=text)
        ),
    )
