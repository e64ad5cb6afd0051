"""Rounds of retention: what is due, what was killed, what came back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from casework.retention.service import RetentionService, erase_due
from domain.cameras.believed_clock import BelievedClock
from domain.data_dir import DataDir
from domain.errors import Stop
from domain.events.catalog import Event, OffenceOpened
from domain.site.site import Site
from event_log.chain_check import check_rows
from event_log.log import EventLog
from evidence_store.custody.chain_check import check_chain
from evidence_store.custody.records_on_chain import AlreadyErased, check_not_erased
from evidence_store.custody.signing_key import keys_of
from evidence_store.erasure.erasure_request import Request
from evidence_store.erasure.retention_schedule import CAME_BACK
from evidence_store.search.table import EvidenceTable
from forewarn.commands.evidence import erase as erase_command
from tests.support.evidence_commands import (
    EVERYTHING,
    ROOT,
    SITE_FILE,
    erase,
    run,
)
from tests.support.example_events import one_of_each
from tests.support.kept_evidence import (
    chain_of,
    keep,
    raw_files_with,
    remains,
)

KILLED_AT = """
import os, signal, sys
from pathlib import Path
from domain.data_dir import DataDir
from evidence_store.erasure.erasure_request import Request
from casework.retention.service import RetentionService
data, wanted, left = DataDir(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
def beat(words):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
RetentionService.open(data, data.keys).erase([Request(wanted, "request 4", "officer")], beat)
"""


def test_terms_count_by_outcome_from_the_day_of_sealing(data: DataDir, site: Site) -> None:
    complied, escalated, lapsed = keep(data, 1), keep(data, 2, "escalated"), keep(data, 3, "lapsed")
    service, now = RetentionService.open(data, data.keys), datetime.now(UTC)
    assert erase_due(service, site, now) == []  # of footage that is long past, but sealed today
    assert {each.evidence_id for each in erase_due(service, site, now + timedelta(days=8))} == {
        lapsed.evidence_id
    }
    assert {each.evidence_id for each in erase_due(service, site, now + timedelta(days=31))} == {
        complied.evidence_id
    }
    assert remains(data, escalated) == EVERYTHING
    why = chain_of(data).about(complied.evidence_id)[-2]["details"]
    assert (why["by"], why["rule"]) == ("retention", "retention.complied")


def test_a_dry_run_tells_and_touches_nothing(data: DataDir) -> None:
    kept = keep(data, 1)
    before = data.custody.read_bytes()
    result = run(data, "retention", SITE_FILE, "--json")
    assert result.exit_code == 0, result.output
    output = json.loads(result.stdout)
    assert (output["records"], output["due"], output["next"]["term"]) == (1, [], "30 days")
    assert data.custody.read_bytes() == before
    assert remains(data, kept) == EVERYTHING


def test_a_replay_does_not_bring_back_what_was_erased(data: DataDir, site: Site) -> None:
    gone = keep(data, 1)
    check_not_erased(gone.evidence_id, chain_of(data))
    assert erase(data, gone).exit_code == 0
    with pytest.raises(AlreadyErased):
        check_not_erased(gone.evidence_id, chain_of(data))


def test_what_a_restored_backup_brought_back_goes_again(
    data: DataDir, site: Site, tmp_path: Path
) -> None:
    gone = keep(data, 1)
    shutil.copytree(data.evidence, tmp_path / "backup")
    assert erase(data, gone).exit_code == 0
    shutil.copytree(tmp_path / "backup", data.evidence, dirs_exist_ok=True)
    EvidenceTable.open(data.lancedb).put([gone.record])
    verified = run(data, "verify")
    assert verified.exit_code == 1 and "is there again" in verified.output
    done = erase_due(RetentionService.open(data, data.keys), site, datetime.now(UTC))
    assert [each.evidence_id for each in done] == [gone.evidence_id]
    assert chain_of(data).about(gone.evidence_id)[-2]["details"]["reason"] == CAME_BACK
    assert remains(data, gone) == set()


def test_killed_anywhere_it_is_on_record_and_ended_later(data: DataDir) -> None:
    kept, stays = keep(data, 1), keep(data, 2)
    kills = 0
    for beats in (0, 1, 3, 12):
        child = subprocess.run(
            [sys.executable, "-c", KILLED_AT, str(data.root), kept.evidence_id, str(beats)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            check=False,
            timeout=120,
        )
        kills += child.returncode == -signal.SIGKILL
        assert run(data, "verify").exit_code == 0
        kinds = [each["kind"] for each in chain_of(data).about(kept.evidence_id)]
        assert kinds.count("erasing") == 1  # begun once, however often it was killed
    assert kills >= 3
    service = RetentionService.open(data, data.keys)
    service.finish()
    assert chain_of(data).about(kept.evidence_id)[-1]["kind"] == "erased"
    assert remains(data, kept) == set()
    assert remains(data, stays) == EVERYTHING


def test_a_restored_folder_learns_from_the_newer_chain_what_was_erased(
    data: DataDir, tmp_path: Path
) -> None:
    gone, stays = keep(data, 1), keep(data, 2)
    old = DataDir(tmp_path / "old")
    shutil.copytree(data.root, old.root)
    assert erase(data, gone).exit_code == 0
    words = ("retention", SITE_FILE, "--erased-in", str(data.custody))
    dry = run(old, *words)
    assert dry.exit_code == 0 and "1 records were erased before" in dry.output
    assert remains(old, gone) == EVERYTHING
    assert run(old, *words, "--apply").exit_code == 0
    assert remains(old, gone) == set()
    assert remains(old, stays) == EVERYTHING
    data.custody.write_bytes(data.custody.read_bytes().replace(b"request 4", b"request 5"))
    assert isinstance(run(old, *words, "--apply").exception, Stop)


def test_pictures_of_messages_go_after_a_day_also_where_nobody_is_told_any_more(
    data: DataDir,
) -> None:
    keep(data, 1)
    pictures, work = data.notifications / "pictures", data.notifications / "work" / "tmp1"
    for folder in (pictures, work):
        folder.mkdir(parents=True)
        for name, age_s in (("old.jpg", 90_000), ("new.jpg", 60)):
            (folder / name).write_bytes(b"picture")
            at = datetime.now(UTC).timestamp() - age_s
            os.utime(folder / name, (at, at))
    assert run(data, "retention", SITE_FILE, "--apply").exit_code == 0
    assert sorted(picture.name for picture in data.notifications.rglob("*.jpg")) == ["new.jpg"] * 2


def test_old_stories_go_once_their_evidence_has_gone(data: DataDir, site: Site) -> None:
    kept = keep(data, 1)
    example = next(each for each in one_of_each() if isinstance(each.data, OffenceOpened))
    payload = example.data.model_copy(update={"offence_id": kept.record.offence_id})
    with EventLog.open(data.events_db) as log:
        log.append(
            [Event("evt-kept", example.source, kept.record.offence_id, example.time, payload)]
        )
    service, later = (
        RetentionService.open(data, data.keys),
        datetime.now(UTC) + timedelta(days=3 * 366),
    )
    assert service.forget_old_events(site) == 0
    # which site file was in force stays
    assert service.forget_old_events(site, later) == len(one_of_each()) - 1
    assert data.events_db in raw_files_with(data, b"evt-kept")
    service.erase([Request(kept.evidence_id, "request 4", "officer")])
    service.forget_old_events(site, later)
    assert raw_files_with(data, b"evt-kept") == []
    with EventLog.open(data.events_db) as log:
        report = check_rows(log, (), check_chain(chain_of(data), keys_of(data)).forgotten)
    # and that of its erasure
    assert (report.erased, report.problems) == (len(one_of_each()) + 1, [])


def test_a_clock_that_jumped_two_years_ahead_erases_nothing(
    data: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep(data, 1)
    assert run(data, "retention", SITE_FILE, "--apply").exit_code == 0
    ahead_s = 2 * 366 * 86400.0
    monkeypatch.setattr(
        erase_command, "BelievedClock", partial(BelievedClock, wall_s=lambda: time.time() + ahead_s)
    )
    result = run(data, "retention", SITE_FILE, "--apply")
    assert result.exit_code == 0, result.output
    assert "the machine's clock says" in result.output and "Nothing was due" in result.output
    assert remains(data, kept) == EVERYTHING
    result = run(data, "retention", SITE_FILE, "--apply", "--clock-is-right", "--by", "officer")
    assert result.exit_code == 0, result.output
    assert remains(data, kept) == set()
