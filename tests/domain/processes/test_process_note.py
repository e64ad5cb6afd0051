"""A noted process is told apart from one that has its id now."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from domain.processes.process_note import ProcessNote


@pytest.fixture
def sleeper() -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def test_a_note_is_read_as_it_was_written(tmp_path: Path) -> None:
    own = ProcessNote.of(os.getpid())
    assert own is not None and own.is_alive
    own.write(tmp_path / "note")
    assert ProcessNote.read(tmp_path / "note") == own


def test_only_the_noted_process_is_sent_a_signal(sleeper: subprocess.Popen[bytes]) -> None:
    note = ProcessNote.of(sleeper.pid)
    assert note is not None
    for other in (
        replace(note, began_ticks=note.began_ticks - 1),  # its id was used again
        replace(note, boot_id="another"),
    ):
        assert not other.is_alive
        assert not other.send(signal.SIGKILL)
    assert sleeper.poll() is None
    assert note.send(signal.SIGKILL)
    assert sleeper.wait(60) == -signal.SIGKILL
    assert not note.is_alive
    assert not note.send(signal.SIGKILL)


def test_a_dead_process_that_nobody_has_collected_is_not_alive() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    note = ProcessNote.of(process.pid)
    assert note is not None and note.is_alive
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and left as it is
    assert not note.is_alive
    process.communicate()


@pytest.mark.parametrize("text", ["", "12", "12 x y", "1 2 3 4", "é"])
def test_what_is_no_note_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "note").write_text(text)
    assert ProcessNote.read(tmp_path / "note") is None
    assert ProcessNote.read(tmp_path / "no such note") is None
