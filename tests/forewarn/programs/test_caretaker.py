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

from casework.retention.service import RetentionService
from domain.data_dir import DataDir
from evidence_store.erasure.erasure_request import Request, begin_erasure
from evidence_store.search.table import EvidenceTable
from forewarn.programs import caretaker
from forewarn.programs.caretaker import PeriodicCommand, look_after, retention_job, table_state
from forewarn.site.put_in_force import apply_file
from tests.support.kept_evidence import chain_of, keep, remains
from tests.support.sealed_record import a_record

ROOT = Path(__file__).resolve().parents[3]


def test_a_job_runs_when_something_changed_and_not_again_without_change(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    stopped, asked = threading.Event(), [0]

    def changed_once(_: DataDir) -> float:
        asked[0] += 1
        if asked[0] >= 4:
            stopped.set()
        return 1.0

    jobs = [
        PeriodicCommand("make a key", ("keys", "create"), every_s=0.0, state=changed_once),
        PeriodicCommand("fail", ("evidence", "show", "evd-none"), every_s=0.0, state=lambda _: 1.0),
        PeriodicCommand("never", ("keys", "create"), every_s=0.0, state=lambda _: 0.0),
    ]
    with capture_logs() as entries:
        look_after(data, jobs, stopped, lambda: None)
    assert [(each["event"], each["job"]) for each in entries] == [
        ("job_done", "make a key"),
        ("job_failed", "fail"),
    ]
    assert list((data.keys / "public").iterdir()), "it was told the data folder"


def test_the_table_counts_as_changed_when_it_was_written(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    assert table_state(data) == 0.0
    EvidenceTable.open(data.lancedb).put([a_record("evd-0000000000000001")])
    before = table_state(data)
    assert before != 0.0
    EvidenceTable.open(data.lancedb).put([a_record("evd-0000000000000002")])
    assert table_state(data) != before


def test_what_changes_after_the_clock_was_set_back_counts_as_changed(tmp_path: Path) -> None:
    """Times of files go back with the clock, and a job would sleep until it has caught up."""
    stopped, states, runs = threading.Event(), [5000.0, 5000.0, 5000.0, 1400.0, 1400.0, 1400.0], []

    def state(_: DataDir) -> float:
        if len(states) == 1:
            stopped.set()
        return states.pop(0)

    def run(job: PeriodicCommand, *_: object) -> None:
        runs.append(job.name)

    job = PeriodicCommand("look", ("--version",), every_s=0.0, state=state)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(caretaker, "_run", run)
        patch.setattr(caretaker, "LOOK_EVERY_S", 0.0)
        look_after(DataDir(tmp_path), [job], stopped, lambda: None)
    assert runs == ["look", "look"]


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
plain = caretaker.python_program
caretaker.python_program = lambda module, argv: plain("long_job", ["a-long-job"])
job = caretaker.PeriodicCommand("long", (), every_s=0.0)
caretaker.look_after(DataDir(Path({str(tmp_path)!r})), [job], threading.Event(), lambda: None)
"""
    (tmp_path / "long_job.py").write_text("import time\ndef main(): time.sleep(600)\n")
    env = dict(os.environ, PYTHONPATH=f"{ROOT}:{tmp_path}")
    with subprocess.Popen([sys.executable, "-c", own], cwd=ROOT, env=env) as caretaker:
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
    data = DataDir(tmp_path / "var")
    apply_file(ROOT / "samples" / "site.yaml", data)
    kept = keep(data, 1)
    keeper = RetentionService.open(data, data.keys)
    request = Request(kept.evidence_id, "request 4", "officer")
    begin_erasure(request, kept.record, {}, [], keeper.vault, keeper.chain)
    stopped = threading.Event()

    def stop(_: DataDir) -> float:
        stopped.set()
        return 0.0

    jobs = [
        replace(retention_job(data.keys), every_s=0.0),
        PeriodicCommand("the end", ("--version",), every_s=0.0, state=stop),
    ]
    with capture_logs() as entries:
        look_after(data, jobs, stopped, lambda: None)
    assert [(each["event"], each["job"]) for each in entries] == [("job_done", "retention")]
    assert chain_of(data).about(kept.evidence_id)[-1]["kind"] == "erased"
    assert remains(data, kept) == set()
