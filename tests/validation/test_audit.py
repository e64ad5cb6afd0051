from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from domain.data_dir import DataDir
from domain.evidence import EMBEDDING_SIZE, EvidenceRecord
from domain.offence_states import FINAL
from domain.site.loading import load_site
from evidence_store.vault.vault import Vault
from validation.__main__ import main
from validation.audit import run_audit
from validation.checks import GROUPS, checks
from validation.measurements import measure
from validation.report import AuditReport, read_latest

pytestmark = pytest.mark.slow(file_takes_s=90)

Sealer = Callable[..., EvidenceRecord]
ROOT = Path(__file__).resolve().parents[2]


def failed(report: AuditReport, evidence_id: str) -> set[str]:
    return {each.check for each in report.findings_of(evidence_id)}


def test_sound_evidence_passes_every_check(data: DataDir, seal: Sealer) -> None:
    seal("a")
    seal("b", outcome="escalated", rungs_spoken=3)
    seal("c", outcome="lapsed", rungs_spoken=0)
    report = run_audit(data)
    assert report.passed and report.findings == () and report.records == 3
    assert {each.group for each in report.checks} == set(GROUPS)
    assert all(each.examined == 3 for each in report.checks)
    assert read_latest(data.audits) == report


BROKEN: dict[str, dict[str, Any]] = {
    "subject-size": {"subject_height_px": 12.0},
    "clip-plays": {"clip_duration_s": 0.0},
    "score": {"best_score": 0.1},
    "dwell": {"dwell_s": 1.0},
    "outcome": {"outcome": "warned"},
    "rungs": {"outcome": "escalated", "rungs_spoken": 2},
    "embedding-length": {"embedding": np.full(EMBEDDING_SIZE, 1.0, np.float32)},
    "id-minted": {"offence_id": "ofc-of-somebody-else"},
    "nothing-missing": {"complete": False, "missing": ("clip: disk full",)},
}


SPOILT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sharpness": lambda image: cv2.GaussianBlur(image, (0, 0), 4),
    "light": lambda image: (image // 16).astype(np.uint8),
}


@dataclass(frozen=True)
class Audited:
    """Report about one sound record and many that are wrong in one way each, by the check that finds it."""

    report: AuditReport
    sound: EvidenceRecord
    wrong: dict[str, EvidenceRecord]


@pytest.fixture(scope="module")
def audited(
    sealer_of: Callable[[DataDir], Sealer], tmp_path_factory: pytest.TempPathFactory
) -> Audited:
    """Audit them all at once: an audit takes seconds, however many it looks at."""
    data = DataDir(tmp_path_factory.mktemp("audited") / "var")
    seal = sealer_of(data)
    sound = seal("sound")
    wrong = {check: seal(check, **changes) for check, changes in BROKEN.items()}
    wrong |= {check: seal(check, picture=spoil) for check, spoil in SPOILT.items()}
    late = sound.ended_at + timedelta(seconds=5)
    wrong["ended-after-start"] = seal("late", first_seen_at=late)
    early = sound.clip_from_at - timedelta(seconds=2)
    wrong["clip-in-time"] = seal("early", first_seen_at=early)
    wrong["rule-known"] = seal("old", story={})
    wrong["files-as-sealed"] = tampered = seal("tampered")
    clip = data.evidence / tampered.evidence_id / "clip.mp4"
    clip.chmod(0o644)
    clip.write_bytes(clip.read_bytes()[:-1] + b"\0")
    wrong["in-the-table"] = seal("unlisted", in_table=False)
    wrong["gone"] = gone = seal("gone")
    Vault(data.evidence).set_aside(gone.evidence_id)
    return Audited(run_audit(data), sound, wrong)


def test_only_what_is_wrong_fails(audited: Audited) -> None:
    assert not audited.report.passed
    assert audited.report.records_failed == len(audited.wrong)
    assert failed(audited.report, audited.sound.evidence_id) == set()


@pytest.mark.parametrize("check", sorted([*BROKEN, "ended-after-start", "clip-in-time"]))
def test_a_record_that_is_wrong_in_one_way_fails_that_check_only(
    audited: Audited, check: str
) -> None:
    assert failed(audited.report, audited.wrong[check].evidence_id) == {check}


@pytest.mark.parametrize("check", sorted(SPOILT))
def test_a_snapshot_that_shows_little_is_not_clear(audited: Audited, check: str) -> None:
    assert check in failed(audited.report, audited.wrong[check].evidence_id)


def test_tampered_files_are_named_in_both_languages(audited: Audited) -> None:
    finding = audited.report.findings_of(audited.wrong["files-as-sealed"].evidence_id)[0]
    assert finding.check == "files-as-sealed" and finding.group == "true"
    assert "clip.mp4" in finding.reason.en and "clip.mp4" in finding.reason.zh
    assert finding.reason.zh.startswith("与封存时不一致")


def test_a_sealed_folder_without_a_row_and_a_row_without_a_folder_are_found(
    audited: Audited,
) -> None:
    unlisted, gone = audited.wrong["in-the-table"], audited.wrong["gone"]
    assert failed(audited.report, unlisted.evidence_id) == {"in-the-table"}
    assert {"files-as-sealed", "rule-known"} <= failed(audited.report, gone.evidence_id)


def test_the_site_files_rule_stands_in_where_none_was_sealed(
    audited: Audited, data: DataDir, seal: Sealer, sample_site_file: Path
) -> None:
    assert "rule-known" in failed(audited.report, audited.wrong["rule-known"].evidence_id)
    record = seal("old", story={})
    report = run_audit(data, load_site(sample_site_file))
    assert failed(report, record.evidence_id) == set()


def test_without_evidence_there_is_nothing_to_fail(data: DataDir) -> None:
    report = run_audit(data)
    assert report.passed and report.records == 0
    assert all(each.examined == 0 for each in report.checks)


def test_every_check_looks_at_something_that_is_measured(data: DataDir, seal: Sealer) -> None:
    seal("a")
    columns = set(measure(data, None, lambda done, total: None).columns)
    assert {check.column for check in checks()} <= columns
    ids = [check.id for check in checks()]
    assert len(ids) == len(set(ids))
    states = next(check.one_of for check in checks() if check.id == "outcome")
    assert set(states) == {state.value for state in FINAL}


SOCKETS_SHUT = """
import socket, sys
attempts = []
def shut(self, address, *rest):
    attempts.append(address)
    raise OSError("shut for the test")
def no_names(*asked, **more):
    attempts.append(asked)
    raise socket.gaierror("shut for the test")
socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = shut
socket.getaddrinfo = socket.gethostbyname = no_names
from validation.__main__ import main
code = main()
print(f"tried {attempts}", file=sys.stderr)
sys.exit(code)
"""


def test_the_module_prints_the_report_its_exit_code_tells_and_it_sends_nothing_anywhere(
    data: DataDir,
    seal: Sealer,
    sample_site_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run_here(*more: str) -> int:
        """Spare a process, which takes seconds to import Great Expectations."""
        monkeypatch.setattr(sys, "argv", ["validation", "--data", str(data.root), *more])
        return main()

    seal("a")
    words = ("--data", str(data.root), "--site", str(sample_site_file))
    sound = subprocess.run(
        [sys.executable, "-c", SOCKETS_SHUT, *words],
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(ROOT), HOME=str(tmp_path)),
        timeout=400,
    )
    assert sound.returncode == 0, sound.stderr[-2000:]
    report = AuditReport.model_validate_json(sound.stdout)
    assert report.passed and report.records == 1
    assert "measured 1 of 1" in sound.stderr
    assert sound.stderr.splitlines()[-1] == "tried []"
    seal("b", dwell_s=0.5)
    capsys.readouterr()
    assert run_here() == 1
    assert json.loads(capsys.readouterr().out)["records_failed"] == 1
    assert run_here("--site", "nowhere.yaml") == 78
    assert "nowhere.yaml" in capsys.readouterr().err
