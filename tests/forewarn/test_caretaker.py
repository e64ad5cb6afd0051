from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from domain.data_dir import DataDir
from evidence_store.erasure import Request, tell_erasing
from evidence_store.table import EvidenceTable
from forewarn.keeping import Keeper
from forewarn.programs.caretaker import Job, look_after, retention_job, table_changed_at
from tests.support.kept_evidence import chain_of, keep, remains
from tests.support.sealed_record import a_record

ROOT = Path(__file__).resolve().parents[2]


def test_a_job_runs_when_something_changed_and_not_again_without_change(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    stopped, asked = threading.Event(), [0]

    def changed_once(_: DataDir) -> float:
        asked[0] += 1
        if asked[0] >= 4:
            stopped.set()
        return 1.0

    jobs = [
        Job("make a key", ("keys", "create"), every_s=0.0, changed_at=changed_once),
        Job("fail", ("evidence", "show", "evd-none"), every_s=0.0, changed_at=lambda _: 1.0),
        Job("never", ("keys", "create"), every_s=0.0, changed_at=lambda _: 0.0),
    ]
    with capture_logs() as told:
        look_after(data, jobs, stopped, lambda: None)
    assert [(each["event"], each["job"]) for each in told] == [
        ("job_done", "make a key"),
        ("job_failed", "fail"),
    ]
    assert list((data.keys / "public").iterdir()), "it was told the data folder"


def test_the_table_counts_as_changed_when_it_was_written(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    assert table_changed_at(data) == 0.0
    before_s = time.time() - 5
    EvidenceTable.open(data.lancedb).put([a_record("evd-0000000000000001")])
    assert table_changed_at(data) > before_s


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_beats_and_ends_when_told(tmp_path: Path, number: signal.Signals) -> None:
    program = subprocess.Popen(
        [sys.executable, "-m", "forewarn.programs.caretaker", "--data", str(tmp_path)],
        cwd=ROOT,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
    )
    try:
        deadline_s = time.monotonic() + 60
        while not (tmp_path / "beats" / "caretaker").exists():
            assert time.monotonic() < deadline_s and program.poll() is None
            time.sleep(0.05)
        program.send_signal(number)
        assert program.wait(timeout=60) == 0
    finally:
        program.kill()
        program.wait()


def test_a_job_ends_when_the_caretaker_is_killed(tmp_path: Path) -> None:
    own = f"""
import sys, threading
from pathlib import Path
from domain.data_dir import DataDir
from forewarn.programs import caretaker
sleeping = [sys.executable, "-c", "import time; time.sleep(600)", "a-long-job"]
caretaker.python_program = lambda module, argv: sleeping
job = caretaker.Job("long", (), every_s=0.0)
caretaker.look_after(DataDir(Path({str(tmp_path)!r})), [job], threading.Event(), lambda: None)
"""
    with subprocess.Popen([sys.executable, "-c", own], cwd=ROOT) as caretaker:
        deadline_s = time.monotonic() + 120
        jobs: list[psutil.Process] = []
        while not jobs and time.monotonic() < deadline_s:
            jobs = [
                each
                for each in psutil.Process(caretaker.pid).children()
                if "a-long-job" in each.cmdline()
            ]
            time.sleep(0.05)
        caretaker.kill()
    assert jobs
    assert psutil.wait_procs(jobs, timeout=60)[1] == []


def test_the_retention_job_ends_what_a_killed_process_began(tmp_path: Path) -> None:
    data, site = DataDir(tmp_path / "var"), ROOT / "samples" / "site.yaml"
    kept = keep(data, 1)
    keeper = Keeper.open(data, data.keys)
    request = Request(kept.evidence_id, "request 4", "officer")
    tell_erasing(request, kept.record, {}, [], keeper.vault, keeper.chain)
    stopped = threading.Event()

    def stop(_: DataDir) -> float:
        stopped.set()
        return 0.0

    jobs = [
        replace(retention_job(site, data.keys), every_s=0.0),
        Job("the end", ("--version",), every_s=0.0, changed_at=stop),
    ]
    with capture_logs() as told:
        look_after(data, jobs, stopped, lambda: None)
    assert [(each["event"], each["job"]) for each in told] == [("job_done", "retention")]
    assert chain_of(data).about(kept.evidence_id)[-1]["kind"] == "erased"
    assert remains(data, kept) == set()
