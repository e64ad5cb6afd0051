"""Keep an audit's findings, for reviewers and for programs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from pydantic import AwareDatetime, Field, ValidationError

from domain.base import BothLanguages, FrozenModel
from domain.files import write_atomically
from validation.checks import Group


class CheckSummary(FrozenModel):
    """One check over all records."""

    check: str
    group: Group
    title: BothLanguages
    examined: int
    failed: int


class DayCount(FrozenModel):
    """One check over the records of offences that ended on one day."""

    day: dt.date = Field(description="at the site")
    check: str
    examined: int
    failed: int


class Finding(FrozenModel):
    """One record that one check does not hold for."""

    evidence_id: str
    check: str
    group: Group
    value: str  # what was measured
    reason: BothLanguages


class AuditReport(FrozenModel):
    """One audit of all evidence."""

    ran_at: AwareDatetime
    records: int
    records_failed: int
    checks: tuple[CheckSummary, ...]
    findings: tuple[Finding, ...]
    days: tuple[DayCount, ...] = ()  # of reports of earlier versions ()

    @property
    def passed(self) -> bool:
        """True when every check holds for every record."""
        return self.records_failed == 0

    def findings_of(self, evidence_id: str) -> list[Finding]:
        """Return the findings about one record."""
        return [finding for finding in self.findings if finding.evidence_id == evidence_id]

    def write(self, folder: Path) -> Path:
        """Keep the report under its time; also as latest.json."""
        name = self.ran_at.strftime("%Y%m%dT%H%M%S.%fZ") + ".json"
        content = self.model_dump_json(indent=1).encode()
        write_atomically(folder / name, content, durable=False)
        write_atomically(folder / "latest.json", content, durable=False)
        return folder / name


def read_latest(folder: Path) -> AuditReport | None:
    """Read the last audit's report; None where there is none (whole)."""
    try:
        return AuditReport.model_validate_json((folder / "latest.json").read_bytes())
    except (OSError, ValidationError):
        return None


def read_all(folder: Path) -> list[AuditReport]:
    """Read every audit's report, oldest first; what cannot be read is passed over."""
    reports = []
    for path in sorted(folder.glob("*Z.json")):
        try:
            reports.append(AuditReport.model_validate_json(path.read_bytes()))
        except (OSError, ValidationError):
            continue
    return sorted(reports, key=lambda report: report.ran_at)
