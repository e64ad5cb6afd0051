"""What dies is restarted, what stands still is killed, what is wrongly set up is told."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from domain.data_dir import DataDir
from domain.errors import Stop, TryAgain
from forewarn import supervisor as module
from forewarn.run_lock import program_lock, run_lock
from forewarn.supervisor import Program, Supervisor


def program(tmp_path: Path, code: str, **settings: object) -> Program:
    return Program("it", [sys.executable, "-c", code], tmp_path / "it.log", **settings)  # type: ignore[arg-type]


def wait(supervisor: Supervisor, seconds: float) -> None:
    until = time.monotonic() + seconds
    supervisor.run(lambda: time.monotonic() > until)


def test_a_killed_program_is_restarted(tmp_path: Path) -> None:
    told: list[str] = []
    with Supervisor(told.append) as supervisor:
        it = program(tmp_path, "import time; time.sleep(60)")
        supervisor.start(it)
        assert it.process is not None
        first = it.process.pid
        os.kill(first, signal.SIGKILL)
        supervisor.run(lambda: it.is_running and it.process is not None and it.process.pid != first)
    assert not it.is_running
    assert "it ended unexpectedly (exit code -9)" in told[0]


def test_a_program_that_ended_well_is_left_alone(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        it = program(tmp_path, "pass")
        supervisor.start(it)
        supervisor.run(lambda: it.has_finished)
        wait(supervisor, 0.5)
        assert it.has_finished
        assert it.crashes == 0


def test_a_wrong_set_up_is_told_at_once_with_the_end_of_the_log(tmp_path: Path) -> None:
    with Supervisor() as supervisor, pytest.raises(Stop, match="the site file is gone"):
        supervisor.start(program(tmp_path, "print('the site file is gone'); raise SystemExit(78)"))
        wait(supervisor, 20)


def test_a_program_that_keeps_crashing_is_given_up_where_asked(tmp_path: Path) -> None:
    with Supervisor() as supervisor, pytest.raises(TryAgain, match="2 times in a row"):
        supervisor.start(program(tmp_path, "raise SystemExit(3)", max_crashes=1))
        wait(supervisor, 20)


def test_a_program_that_stands_still_is_killed_and_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STANDS_STILL_S", 1.0)
    beat = tmp_path / "beat"
    code = f"import pathlib, time; pathlib.Path({str(beat)!r}).touch(); time.sleep(60)"
    told: list[str] = []
    with Supervisor(told.append) as supervisor:
        it = program(tmp_path, code, beat_file=beat)
        supervisor.start(it)
        assert it.process is not None
        first = it.process.pid
        supervisor.run(lambda: it.is_running and it.process is not None and it.process.pid != first)
    assert "stands still" in told[0]


def test_a_program_that_does_not_listen_is_killed_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_GRACE_S", 0.5)
    code = "import signal, time; signal.signal(15, lambda *_: None); print(1, flush=True)\nwhile True: time.sleep(1)"
    with Supervisor() as supervisor:
        it = program(tmp_path, code)
        supervisor.start(it)
        supervisor.run(lambda: it.log_file.stat().st_size > 0)
    assert it.process is not None
    assert it.process.returncode == -signal.SIGKILL


def test_two_runs_cannot_share_a_data_folder(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    with run_lock(data), pytest.raises(Stop, match=f"process {os.getpid()}"), run_lock(data):
        pass
    with run_lock(data):
        assert (data.locks / "run").read_text() == str(os.getpid())


def test_a_program_waits_until_its_predecessor_has_ended(tmp_path: Path) -> None:
    data, order = DataDir(tmp_path), []

    def successor() -> None:
        with program_lock(data, "watch"):
            order.append("second")

    with program_lock(data, "watch"):
        thread = threading.Thread(target=successor)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]
