"""Findings of audits are counted over time: by the day of the offence, and audit by audit."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.data_dir import DataDir
from domain.evidence import EvidenceRecord
from domain.site.loading import load_site
from domain.site.site import Site
from tests.support.command_line import run_here
from validation.audit import run_audit
from validation.report import AuditReport, read_all
from validation.trend import trend_by_audit, trend_by_day

pytestmark = pytest.mark.slow

Sealer = Callable[..., EvidenceRecord]
MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


def seal_on(seal: Sealer, name: str, day: int, **changes: Any) -> EvidenceRecord:
    began = MONDAY + timedelta(days=day)
    ended = began + timedelta(seconds=8)
    times = {
        "first_seen_at": began,
        "ended_at": ended,
        "clip_from_at": began - timedelta(seconds=3),
    }
    return seal(name, **times, **changes)


def test_failures_are_counted_by_the_day_on_which_offences_ended(
    data: DataDir, seal: Sealer
) -> None:
    seal_on(seal, "a", 0)
    seal_on(seal, "b", 0, subject_height_px=12.0)
    seal_on(seal, "c", 2, subject_height_px=12.0)
    small = seal_on(seal, "d", 2, subject_height_px=9.0)
    report = run_audit(data)
    trend = trend_by_day(report)
    assert trend.columns == ("2026-03-02", "2026-03-04")
    rows = {row.check: row for row in trend.rows}
    assert (rows["subject-size"].failed, rows["subject-size"].examined) == ((1, 2), (2, 2))
    assert rows["subject-size"].shares == (0.5, 1.0)
    assert rows["files-as-sealed"].failed == (0, 0)
    (why,) = trend.reasons
    assert (why.check, why.records) == ("subject-size", 3)
    assert "40 are needed" in why.reason.en and "至少需要 40" in why.reason.zh
    assert small.evidence_id in {each.evidence_id for each in report.findings}


def test_the_day_is_the_sites_own(data: DataDir, seal: Sealer, sample_site_file: Path) -> None:
    raw = load_site(sample_site_file).model_dump(mode="json", exclude_none=True)
    raw["site"]["timezone"] = "Asia/Shanghai"
    late = MONDAY.replace(hour=17)  # one in the morning there
    seal("a", first_seen_at=late, ended_at=late, clip_from_at=late)
    assert {each.day for each in run_audit(data, Site.model_validate(raw)).days} == {
        date(2026, 3, 3)
    }


def test_audits_stand_side_by_side_oldest_first(data: DataDir, seal: Sealer) -> None:
    seal_on(seal, "a", 0)
    run_audit(data)
    seal_on(seal, "b", 0, subject_height_px=12.0)
    run_audit(data)
    (data.audits / "20260101T000000.000000Z.json").write_text("{half a rep")
    reports = read_all(data.audits)
    assert [report.records for report in reports] == [1, 2]
    trend = trend_by_audit(reports)
    (row,) = (row for row in trend.rows if row.check == "subject-size")
    assert (row.failed, row.examined) == ((0, 1), (1, 2))
    assert len(trend_by_audit(reports, last=1).columns) == 1


def test_a_report_of_an_earlier_version_has_no_days(data: DataDir, seal: Sealer) -> None:
    seal_on(seal, "a", 0)
    old = json.loads(run_audit(data).model_dump_json())
    del old["days"]
    assert trend_by_day(AuditReport.model_validate(old)).columns == ()


def test_the_command_tells_people_and_programs(data: DataDir, seal: Sealer) -> None:
    before = audit(data)
    assert before.returncode == 78 and "no audit has been run yet" in before.stderr
    seal_on(seal, "a", 0, subject_height_px=12.0)
    run_audit(data)
    printed = json.loads(audit(data, "--json").stdout)
    assert printed["columns"] == ["2026-03-02"] and printed["by"] == "day"
    (row,) = (each for each in printed["rows"] if each["check"] == "subject-size")
    assert row["failed"] == [1] and row["title"]["zh"] == "人物足够大"
    people = audit(data, "--by", "audit")
    assert people.returncode == 0 and "the subject is 12 px tall" in people.stderr


def audit(data: DataDir, *more: str) -> subprocess.CompletedProcess[str]:
    return run_here(["audit", "--trend", "--data", data.root, *more])
