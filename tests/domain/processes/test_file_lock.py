"""A lock holds among threads and processes, and ends with its holder however that ends."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain.processes.file_lock import LOOK_EVERY_S, LockHeld, file_lock, lock_handle

HOLDER = """
import sys
from pathlib import Path
from domain.processes.file_lock import file_lock

with file_lock(Path(sys.argv[1]), shared=sys.argv[2] == "shared"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(path: Path, how: str = "alone") -> Iterator[subprocess.Popen[str]]:
    """Hold the lock in a second process until the block ends."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None and holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        yield holder
    finally:
        holder.stdin.close()
        holder.wait(timeout=30)
        holder.stdout.close()


def is_free(path: Path, shared: bool = False) -> bool:
    try:
        with file_lock(path, shared=shared, wait_s=0):
            return True
    except LockHeld:
        return False


def test_another_process_keeps_us_out_until_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with another_process(path):
        assert not is_free(path)
        assert not is_free(path, shared=True)
    assert is_free(path)


def test_the_kernel_frees_the_lock_of_a_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with another_process(path) as holder:
        assert not is_free(path)
        holder.kill()
        holder.wait(timeout=30)
        assert is_free(path)


def test_shared_holders_stand_each_other_and_nobody_alone(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with another_process(path, "shared"):
        assert is_free(path, shared=True)
        assert not is_free(path)


def test_a_second_lock_of_the_same_thread_is_refused_as_anybodys(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with file_lock(path):
        assert not is_free(path)
    assert is_free(path)


def test_an_error_within_frees_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(RuntimeError, match="within"), file_lock(path):
        raise RuntimeError("within")
    assert is_free(path)


def test_waiting_ends_with_the_lock_as_soon_as_it_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    waiting, got_it = threading.Event(), threading.Event()

    def wait_for_it() -> None:
        waiting.set()
        with file_lock(path, wait_s=60):
            got_it.set()

    thread = threading.Thread(target=wait_for_it)
    with file_lock(path):
        thread.start()
        assert waiting.wait(30)
        assert not got_it.wait(0.2)
    assert got_it.wait(30)
    thread.join()


def test_waiting_without_an_end_gets_the_lock_too(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    got_it = threading.Event()

    def wait_for_it() -> None:
        with file_lock(path):
            got_it.set()

    thread = threading.Thread(target=wait_for_it)
    with file_lock(path):
        thread.start()
        assert not got_it.wait(0.2)
    assert got_it.wait(30)
    thread.join()


def test_a_wait_that_is_over_names_the_lock_and_took_its_time(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    began_s = time.monotonic()
    with another_process(path), pytest.raises(LockHeld, match=str(path)):
        began_s = time.monotonic()
        with file_lock(path, wait_s=0.3):
            pytest.fail("two hold the lock alone")
    assert time.monotonic() - began_s >= 0.3


class _Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, pause_s: float) -> None:
        self.now_s += pause_s


@pytest.mark.parametrize("wait_s", [0, 0.3, 7])
def test_nobody_waits_longer_than_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_s: float
) -> None:
    path, clock = tmp_path / "lock", _Clock()
    with file_lock(path):
        monkeypatch.setattr("domain.processes.file_lock.time", clock)
        with pytest.raises(LockHeld), file_lock(path, wait_s=wait_s):
            pytest.fail("two hold the lock alone")
    assert wait_s <= clock.now_s - 100 < wait_s + 2 * LOOK_EVERY_S


def test_no_open_file_is_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with file_lock(path):
            assert not is_free(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_lock_file_is_made_with_its_mode_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    before = os.umask(0o022)
    try:
        with file_lock(path, mode=0o600):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)
    assert path.read_bytes() == b"", "nothing is written, and nobody removes what others wait for"


def test_a_lock_in_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), file_lock(tmp_path / "no" / "lock"):
        pytest.fail("it was locked")


def test_a_folder_itself_can_be_locked(tmp_path: Path) -> None:
    first, second = (os.open(tmp_path, os.O_RDONLY) for _ in range(2))
    try:
        lock_handle(first, wait_s=0)
        with pytest.raises(LockHeld, match="vault"):
            lock_handle(second, shared=True, wait_s=0, name="vault")
        os.close(first)
        first = os.open(tmp_path, os.O_RDONLY)
        lock_handle(second, shared=True, wait_s=0)
        lock_handle(first, shared=True, wait_s=0)
    finally:
        os.close(first)
        os.close(second)
