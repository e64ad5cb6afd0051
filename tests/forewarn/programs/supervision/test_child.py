"""Children end with their parent, also one that was killed before they could ask for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from forewarn.programs.supervision.child import python_program, start_child

ROOT = Path(__file__).resolve().parents[4]
PATIENCE_S = 120.0


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Let a child find the modules that a test writes."""
    return {**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"}


def write_module(folder: Path, name: str, body: str) -> None:
    (folder / f"{name}.py").write_text(body)


def test_a_signal_during_the_imports_of_a_program_is_noted(
    tmp_path: Path, env: dict[str, str]
) -> None:
    write_module(
        tmp_path,
        "loads_for_long",
        """
import signal
for number in (signal.SIGINT, signal.SIGUSR1, signal.SIGINT):
    signal.raise_signal(number)
from flows.signals import install_stop_signals, note_sigterm
def main():
    stop, drain = install_stop_signals()
    note_sigterm()
    print(stop.is_set(), drain.is_set(), flush=True)
    signal.raise_signal(signal.SIGTERM)
""",
    )
    argv = python_program("loads_for_long", [])
    child = start_child(argv, subprocess.PIPE, text=True, cwd=ROOT, env=env)
    printed, _ = child.communicate(timeout=PATIENCE_S)
    assert (child.returncode, printed) == (0, "True True\n")


def test_a_program_that_still_loads_is_ended_at_once(tmp_path: Path, env: dict[str, str]) -> None:
    write_module(tmp_path, "loads", "print(1, flush=True)\nimport time\ntime.sleep(600)\n")
    child = start_child(python_program("loads", []), subprocess.PIPE, cwd=ROOT, env=env)
    assert child.stdout is not None
    child.stdout.readline()
    child.terminate()
    assert child.wait(PATIENCE_S) == -signal.SIGTERM
    child.stdout.close()


def test_a_child_whose_parent_is_gone_already_does_nothing(
    tmp_path: Path, env: dict[str, str]
) -> None:
    write_module(tmp_path, "tells", "def main(): print('at work')\n")
    argv = python_program("tells", [])
    argv[argv.index(str(os.getpid()))] = str(os.getppid())
    child = start_child(argv, subprocess.PIPE, text=True, cwd=ROOT, env=env)
    assert child.communicate(timeout=PATIENCE_S)[0] == ""
    assert child.returncode == 0


def test_a_child_ends_with_its_parent_and_not_with_another_thread_of_it(
    tmp_path: Path, env: dict[str, str]
) -> None:
    write_module(
        tmp_path,
        "looks",
        """
from flows.signals import install_stop_signals
def main():
    stop, _ = install_stop_signals()
    print("up", flush=True)
    stop.wait()
""",
    )
    parent = f"""
import subprocess, threading, time
from forewarn.programs.supervision.child import python_program, start_child
child = start_child(python_program("looks", []), subprocess.PIPE, text=True)
child.stdout.readline()
thread = threading.Thread(target=lambda: None)
thread.start()
thread.join()
print(child.pid, child.poll(), flush=True)
time.sleep({PATIENCE_S})
"""
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=env
    ) as process:
        assert process.stdout is not None
        pid, ended = process.stdout.readline().split()
        child = psutil.Process(int(pid))
        process.kill()
    assert ended == "None"
    assert psutil.wait_procs([child], timeout=PATIENCE_S)[1] == []


def test_children_are_started_by_the_main_thread_alone() -> None:
    refused: list[BaseException] = []

    def start() -> None:
        try:
            start_child(python_program("tells", []), subprocess.PIPE)
        except RuntimeError as error:
            refused.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(refused[0])


def test_a_child_may_be_ended_by_its_parent(tmp_path: Path, env: dict[str, str]) -> None:
    write_module(
        tmp_path, "waits", "import time\ndef main():\n print(1, flush=True)\n time.sleep(600)\n"
    )
    child = start_child(python_program("waits", []), subprocess.PIPE, cwd=ROOT, env=env)
    assert child.stdout is not None
    child.stdout.readline()
    child.kill()
    assert child.wait(PATIENCE_S) == -signal.SIGKILL
    child.stdout.close()
