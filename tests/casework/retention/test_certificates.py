"""What proves an erasure, to the site and to outsiders."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from casework.retention.service import RetentionService
from domain.data_dir import DataDir
from domain.errors import PutAside
from domain.events.catalog import EvidenceErased
from event_log.log import EventLog
from tests.support.evidence_commands import (
    ROOT,
    erase,
    run,
)
from tests.support.kept_evidence import (
    keep,
)


def verify_outside(zipped: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            str(ROOT / "evidence_store" / "export" / "verify_evidence.py"),
            str(zipped),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=zipped.parent,
        timeout=120,
    )


def test_an_erased_record_is_no_damage(data: DataDir) -> None:
    gone, stays = keep(data, 1), keep(data, 2)
    assert erase(data, gone).exit_code == 0
    verified = run(data, "verify", "--json")
    assert verified.exit_code == 0, verified.output
    output = json.loads(verified.stdout)
    assert (output["records"], output["erased"], output["problems"]) == (1, 1, [])
    one = run(data, "verify", gone.evidence_id)
    assert one.exit_code == 0 and "erased on" in one.output
    shown = run(data, "show", gone.evidence_id)
    assert isinstance(shown.exception, PutAside) and "was erased" in str(shown.exception)
    assert run(data, "show", stays.evidence_id).exit_code == 0


def test_other_systems_hear_of_it_once(data: DataDir) -> None:
    gone = keep(data, 1)
    assert erase(data, gone).exit_code == 0
    service = RetentionService.open(data, data.keys)
    service.events.append_erased({gone.evidence_id}, service.report)
    with EventLog.open(data.events_db) as log:
        erasures = [
            each.event.data
            for each in log.read(types=[EvidenceErased.event_type])
            if each.event.subject == gone.evidence_id
        ]
    assert len(erasures) == 1
    assert isinstance(erasures[0], EvidenceErased) and erasures[0].reason == "request 4"


def test_a_certificate_can_be_checked_by_an_outsider_and_not_be_changed(
    data: DataDir, tmp_path: Path
) -> None:
    gone = keep(data, 1)
    missing = run(data, "certificate", gone.evidence_id)
    assert isinstance(missing.exception, PutAside) and "was not erased" in str(missing.exception)
    assert erase(data, gone).exit_code == 0
    written = run(data, "certificate", gone.evidence_id, "--to", str(tmp_path / "c.zip"))
    assert written.exit_code == 0, written.output
    checked = verify_outside(tmp_path / "c.zip")
    assert checked.returncode == 0, checked.stdout
    assert "erased on" in checked.stdout and "删除" in checked.stdout
    with zipfile.ZipFile(tmp_path / "c.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    (folder,) = (tmp_path / "unpacked").iterdir()
    assert (folder / "certificate.zh.pdf").read_bytes().startswith(b"%PDF")
    chain = folder / "custody.jsonl"
    lines = chain.read_bytes().splitlines(keepends=True)
    for changed in (b"".join(lines[:-1]), b"".join(lines).replace(b"request 4", b"request 5")):
        chain.write_bytes(changed)
        checked = verify_outside(folder)
        assert checked.returncode == 1 and "custody.jsonl" in checked.stdout


def test_a_backup_can_be_searched_for_what_was_erased(data: DataDir, tmp_path: Path) -> None:
    gone = keep(data, 1)
    shutil.copytree(data.evidence, tmp_path / "backup")
    assert erase(data, gone).exit_code == 0
    clean = run(data, "certificate", gone.evidence_id, "--search", str(data.root))
    assert clean.exit_code == 0 and "nothing of it found" in clean.output
    old = run(data, "certificate", gone.evidence_id, "--search", str(tmp_path / "backup"))
    assert old.exit_code == 1 and "clip.mp4" in old.output
