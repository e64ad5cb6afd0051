"""The supervisor restarts what dies, kills what stands still and reports a wrong set-up."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from domain.data_dir import DataDir
from domain.errors import Stop, TryAgain
from domain.processes import file_lock as file_lock_module
from domain.processes.backoff import Backoff
from domain.processes.file_lock import file_lock
from domain.processes.process_note import ProcessNote
from forewarn.programs.supervision import supervisor as module
from forewarn.programs.supervision.run_lock import program_lock, run_lock
from forewarn.programs.supervision.supervisor import Program, Supervisor


def program(tmp_path: Path, code: str, **settings: object) -> Program:
    return Program("it", [sys.executable, "-c", code], tmp_path / "it.log", **settings)  # type: ignore[arg-type]


def wait(supervisor: Supervisor, seconds: float) -> None:
    until = time.monotonic() + seconds
    supervisor.run(lambda: time.monotonic() > until)


def test_a_killed_program_is_restarted(tmp_path: Path) -> None:
    messages: list[str] = []
    with Supervisor(messages.append) as supervisor:
        it = program(tmp_path, "import time; time.sleep(60)")
        supervisor.start(it)
        assert it.process is not None
        first = it.process.pid
        os.kill(first, signal.SIGKILL)
        supervisor.run(lambda: it.is_running and it.process is not None and it.process.pid != first)
    assert not it.is_running
    assert "it ended unexpectedly (exit code -9)" in messages[0]


def test_a_program_that_ended_well_is_left_alone(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        it = program(tmp_path, "pass")
        supervisor.start(it)
        supervisor.run(lambda: it.has_finished)
        wait(supervisor, 0.5)
        assert it.has_finished
        assert it.crashes == 0


def test_a_program_that_is_to_go_on_for_ever_is_restarted_also_where_it_ended_well(
    tmp_path: Path,
) -> None:
    """Somebody else's SIGTERM ends a program with exit code 0, and nobody would watch any more."""
    messages: list[str] = []
    with Supervisor(messages.append) as supervisor:
        it = program(tmp_path, "print(1)", may_finish=False)
        supervisor.start(it)
        supervisor.run(lambda: it.log_file.read_text().count("1") == 2)
        assert not it.has_finished
    assert "it ended unexpectedly (exit code 0)" in messages[0]


def test_programs_are_noted_for_the_run_after_this_one(tmp_path: Path) -> None:
    with Supervisor(locks=tmp_path) as supervisor:
        it = program(tmp_path, "import time; time.sleep(60)")
        supervisor.start(it)
        assert it.process is not None
        noted = ProcessNote.read(tmp_path / "it.pid")
        assert noted == ProcessNote.of(it.process.pid)
    assert noted is not None and not noted.is_alive


def test_a_wrong_set_up_is_told_at_once_with_the_end_of_the_log(tmp_path: Path) -> None:
    with Supervisor() as supervisor, pytest.raises(Stop, match="the site file is gone"):
        supervisor.start(program(tmp_path, "print('the site file is gone'); raise SystemExit(78)"))
        wait(supervisor, 20)


def test_a_program_that_keeps_crashing_is_given_up_where_asked(tmp_path: Path) -> None:
    with Supervisor() as supervisor, pytest.raises(TryAgain, match="2 times in a row"):
        supervisor.start(program(tmp_path, "raise SystemExit(3)", max_crashes=1))
        wait(supervisor, 20)


BEATS = "import pathlib, sys, time; pathlib.Path('beat').write_text('1'); "


def live(tmp_path: Path, code: str, **settings: object) -> Program:
    code = f"import os; os.chdir({str(tmp_path)!r}); {code}"
    return program(tmp_path, code, beat_file=tmp_path / "beat", may_finish=False, **settings)


def test_a_set_up_that_turns_wrong_while_all_is_under_way_ends_nothing(tmp_path: Path) -> None:
    """Before: one program's exit code 78 ended the whole run, at any hour of the night."""
    messages: list[str] = []
    code = BEATS + "time.sleep(1); print('error: the key is gone'); sys.exit(78)"
    with Supervisor(messages.append) as supervisor:
        it = live(tmp_path, code, max_crashes=0)
        supervisor.start(it)
        supervisor.run(lambda: len(messages) > 1)
        assert it.crashes == 2
    assert (
        "ended unexpectedly (exit code 78): error: the key is gone; restarting in 1 s"
        in messages[0]
    )


def test_a_live_program_whose_set_up_was_wrong_from_the_start_ends_the_run(tmp_path: Path) -> None:
    with Supervisor() as supervisor, pytest.raises(Stop, match="it cannot start:\nno key"):
        supervisor.start(live(tmp_path, "print('no key'); raise SystemExit(78)"))
        wait(supervisor, 60)


def test_a_program_for_which_no_process_is_to_be_had_is_started_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: the OSError left the supervisor, and ended the run."""
    messages: list[str] = []
    start_child = module.start_child

    def fork_fails(*_: object, **__: object) -> None:
        monkeypatch.setattr(module, "start_child", start_child)
        raise BlockingIOError(11, "Resource temporarily unavailable")

    with Supervisor(messages.append) as supervisor:
        it = program(tmp_path, "import time; time.sleep(60)")
        supervisor.start(it)
        monkeypatch.setattr(module, "start_child", fork_fails)
        assert it.process is not None
        it.process.kill()
        supervisor.run(lambda: len(messages) == 2 and it.is_running)
    assert (
        messages[1]
        == "it cannot be started (Resource temporarily unavailable); trying again in 1 s"
    )


def test_programs_are_replaced_by_others_also_where_one_cannot_be_started_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeps = "import time; time.sleep(60)"
    with Supervisor() as supervisor:
        old, new = program(tmp_path, sleeps), program(tmp_path, sleeps)
        old.name = "old"
        supervisor.start(old)
        supervisor.replace_all([new])
        assert not old.is_running and new.is_running and list(supervisor.programs) == ["it"]
        later = program(tmp_path, sleeps)
        start_child = module.start_child
        monkeypatch.setattr(
            module, "start_child", lambda *_, **__: (_ for _ in ()).throw(OSError())
        )
        supervisor.replace_all([later])
        monkeypatch.setattr(module, "start_child", start_child)
        supervisor.run(lambda: later.is_running)


def test_a_program_that_hangs_before_its_first_sign_is_killed_and_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STARTS_WITHIN_S", 1.0)
    messages: list[str] = []
    with Supervisor(messages.append) as supervisor:
        supervisor.start(live(tmp_path, "import time; time.sleep(60)"))
        supervisor.run(lambda: len(messages) > 1)
    assert "it stands still for 1 s: it is restarted" in messages[0]
    assert "exit code -9" in messages[1]


def test_a_program_that_stands_still_is_killed_and_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STANDS_STILL_S", 1.0)
    beat = tmp_path / "beat"
    code = f"import pathlib, time; pathlib.Path({str(beat)!r}).write_text('1'); time.sleep(60)"
    messages: list[str] = []
    with Supervisor(messages.append) as supervisor:
        it = program(tmp_path, code, beat_file=beat)
        supervisor.start(it)
        assert it.process is not None
        first = it.process.pid
        supervisor.run(lambda: it.is_running and it.process is not None and it.process.pid != first)
    assert "stands still" in messages[0]


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


def test_a_run_is_not_refused_for_somebody_who_merely_looks_whether_one_is_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = DataDir(tmp_path)
    data.locks.mkdir()
    with ExitStack() as looker:
        looker.enter_context(file_lock(data.locks / "run", shared=True))
        monkeypatch.setattr(file_lock_module, "time", LookedEnough(looker))
        with run_lock(data):
            assert (data.locks / "run").read_text() == str(os.getpid())


class LookedEnough:
    """A clock by which others have looked once one waits for them."""

    def __init__(self, looker: ExitStack) -> None:
        self._looker = looker

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        self._looker.close()


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


class Shortage:
    """Disks that a test fills."""

    is_short = True

    def was_short(self) -> bool:
        return self.is_short


def test_a_program_that_ends_on_a_full_disk_waits_for_room_and_is_no_crash(tmp_path: Path) -> None:
    """Before: restarted 1, 2, 4, 8 s apart; three times in a row ended a run over footage."""
    disks, messages = Shortage(), list[str]()
    code = "import pathlib, sys; sys.exit(0 if pathlib.Path('room').exists() else 75)"
    with Supervisor(messages.append, disks=disks) as supervisor:
        it = program(tmp_path, f"import os; os.chdir({str(tmp_path)!r}); {code}", max_crashes=0)
        supervisor.start(it)
        supervisor.run(lambda: bool(messages))
        first = it.process
        wait(supervisor, 2.5)
        assert it.process is first  # nothing is started while there is no room
        (tmp_path / "room").touch()
        disks.is_short = False
        supervisor.run(lambda: it.has_finished)
        assert it.crashes == 0
    assert messages == [
        "it ended for want of room on the disk; it is started again when there is some"
    ]


class FullDisks(Shortage):
    """Full, but programs can run on the reserve: one that ends all the same has another reason, or none known."""

    def was_short(self) -> bool:
        return True


def test_a_program_that_ends_again_and_again_beside_a_full_disk_is_no_storm(tmp_path: Path) -> None:
    """Before: started and told of once a second, for as long as the disk was full."""
    disks, messages = FullDisks(), list[str]()
    disks.is_short = False
    starts = tmp_path / "starts"
    with Supervisor(messages.append, disks=disks) as supervisor:
        it = program(tmp_path, f"open({str(starts)!r}, 'a').write('x')", max_crashes=0)
        it.may_finish = False
        it.backoff = Backoff(0.01, 100.0)
        supervisor.start(it)
        supervisor.run(lambda: starts.exists() and len(starts.read_text()) >= 3)
        assert it.backoff.pause_s > 0.01
    assert len(messages) == 1


def test_a_program_runs_without_a_log_where_none_can_be_opened(tmp_path: Path) -> None:
    """Before: the OSError left the supervisor, and ended the run."""
    (tmp_path / "logs").write_text("in the way")
    with Supervisor() as supervisor:
        it = program(tmp_path, "print('words')")
        it.log_file = tmp_path / "logs" / "it.log"
        supervisor.start(it)
        supervisor.run(lambda: it.has_finished)


def test_a_sign_of_life_that_an_earlier_process_left_counts_for_nobody(tmp_path: Path) -> None:
    (tmp_path / "beat").write_text("7")
    with Supervisor() as supervisor:
        it = live(tmp_path, "import time; time.sleep(60)")
        supervisor.start(it)
        wait(supervisor, 0.3)
        assert it.is_running and it.beats is not None and not it.beats.has_begun
