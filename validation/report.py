"""What an audit found, for reviewers and for programs."""

from __future__ import annotations

from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from domain.live_view import write_whole
from domain.site import BothLanguages
from validation.checks import Group


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CheckSummary(_Facts):
    """One check over all records."""

    check: str
    group: Group
    title: BothLanguages
    examined: int
    failed: int


class Finding(_Facts):
    """One record that one check does not hold for."""

    evidence_id: str
    check: str
    group: Group
    value: str  # what was measured
    reason: BothLanguages


class AuditReport(_Facts):
    """One audit of all evidence."""

    ran_at: AwareDatetime
    records: int
    records_failed: int
    checks: tuple[CheckSummary, ...]
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """True when every check holds for every record."""
        return self.records_failed == 0

    def findings_of(self, evidence_id: str) -> list[Finding]:
        """What was found about one record."""
        return [each for each in self.findings if each.evidence_id == evidence_id]

    def write(self, folder: Path) -> Path:
        """Keep the report under its time; also as latest.json."""
        name = self.ran_at.strftime("%Y%m%dT%H%M%S.%fZ") + ".json"
        content = self.model_dump_json(indent=1).encode()
        write_whole(folder / name, content)
        write_whole(folder / "latest.json", content)
        return folder / name


def read_latest(folder: Path) -> AuditReport | None:
    """The last audit's report; None where there is none (whole)."""
    try:
        return AuditReport.model_validate_json((folder / "latest.json").read_bytes())
    except (OSError, ValidationError):
        return None
