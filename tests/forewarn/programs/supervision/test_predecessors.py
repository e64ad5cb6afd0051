"""What an earlier run left at work is ended, and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from domain.processes.process_note import ProcessNote
from forewarn.programs.supervision import predecessors as module
from forewarn.programs.supervision.predecessors import end_predecessors, note_program

LISTENS = "import time; print(flush=True); time.sleep(600)"
DOES_NOT_LISTEN = f"import signal; signal.signal(15, signal.SIG_IGN); {LISTENS}"

Start = Callable[[str, str], "subprocess.Popen[bytes]"]


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "GRACE_S", 1.0)
    return tmp_path


@pytest.fixture
def start(locks: Path) -> Iterator[Start]:
    """Start a program of a run whose supervisor is gone; nobody collects it, as in a container."""
    started = []

    def do(name: str, code: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        started.append(process)
        note_program(locks, name, process.pid)
        return process

    yield do
    for process in started:
        process.kill()
        process.communicate()


def test_one_that_listens_is_asked_and_nobody_is_told(locks: Path, start: Start) -> None:
    words: list[str] = []
    process = start("mask", LISTENS)
    end_predecessors(locks, words.append)
    assert (process.wait(60), words) == (-signal.SIGTERM, [])


def test_one_that_does_not_listen_is_killed_after_its_grace_and_told_of(
    locks: Path, start: Start
) -> None:
    words: list[str] = []
    process, other = start("mask", DOES_NOT_LISTEN), start("watch", LISTENS)
    with capture_logs() as entries:
        end_predecessors(locks, words.append)
    assert (process.wait(60), other.wait(60)) == (-signal.SIGKILL, -signal.SIGTERM)
    assert words == [
        f"mask of an earlier run (process {process.pid}) has not ended 1 s after it was asked: "
        "it is killed"
    ]
    killed = [each for each in entries if each["event"] == "predecessor_killed"]
    assert [(each["name"], each["pid"]) for each in killed] == [("mask", process.pid)]


def test_one_that_is_stopped_is_ended_as_well(locks: Path, start: Start) -> None:
    process = start("preserve", LISTENS)
    process.send_signal(signal.SIGSTOP)
    end_predecessors(locks)
    assert process.wait(60) in (-signal.SIGTERM, -signal.SIGKILL)


def test_whoever_has_the_id_now_is_left_alone(locks: Path, start: Start) -> None:
    process = start("mask", LISTENS)
    note = ProcessNote.of(process.pid)
    assert note is not None
    replace(note, began_ticks=note.began_ticks - 1).write(locks / "mask.pid")
    replace(note, boot_id="of before the machine was started again").write(locks / "watch.pid")
    (locks / "announce.pid").write_text(str(process.pid))  # as a version without starts may write
    end_predecessors(locks)
    assert process.poll() is None


def test_programs_of_another_data_folder_are_left_alone(
    locks: Path, start: Start, tmp_path: Path
) -> None:
    process = start("mask", LISTENS)
    (tmp_path / "other").mkdir()
    end_predecessors(tmp_path / "other")
    assert process.poll() is None


def test_a_run_that_is_asked_to_end_waits_for_nobody_and_kills_nobody(
    locks: Path, start: Start
) -> None:
    process = start("mask", DOES_NOT_LISTEN)
    end_predecessors(locks, given_up=lambda: True)
    assert process.poll() is None


def test_a_program_of_another_account_is_told_of(
    locks: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, words = start("mask", LISTENS), []

    def refused(handle: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(signal, "pidfd_send_signal", refused)
    monkeypatch.setattr(module, "KILLED_WITHIN_S", 0.1)
    end_predecessors(locks, words.append)
    assert f"mask of an earlier run (process {process.pid}) belongs to another account" in words[0]
    assert process.poll() is None


def test_a_note_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    note_program(tmp_path / "no such folder", "mask", os.getpid())
    assert not (tmp_path / "no such folder").exists()
