"""A run that was killed is started again at once, and comes up whatever it left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from domain.data_dir import DataDir
from domain.processes.process_note import ProcessNote

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 400.0

pytestmark = [pytest.mark.slow(file_takes_s=60), pytest.mark.triton]

Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


@pytest.fixture
def start(
    data: DataDir, triton_address: str, sample_site_file: Path, site_key: Path
) -> Iterator[Start]:
    argv = ["run", sample_site_file, "--data", data.root, "--keys", site_key]
    argv += ["--triton", triton_address]
    runs = []

    def do() -> subprocess.Popen[bytes]:
        with (data.root.parent / "said").open("ab") as said:
            runs.append(
                subprocess.Popen(
                    [sys.executable, "-m", "forewarn", *map(str, argv)],
                    cwd=ROOT,
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                    stdout=said,
                    stderr=said,
                )
            )
        return runs[-1]

    yield do
    for run in runs:
        run.terminate()
        run.wait(PATIENCE_S)


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < give_up_at, "it did not come"
        time.sleep(0.1)


def program(data: DataDir, name: str) -> ProcessNote | None:
    """Return a program that lives and has given a sign of life."""
    note = ProcessNote.read(data.locks / f"{name}.pid")
    is_up = note is not None and note.is_alive and (data.beats / name).exists()
    return note if is_up else None


def test_a_program_that_does_not_end_holds_up_no_run_that_is_started_at_once(
    data: DataDir, start: Start
) -> None:
    first = start()
    wait_until(lambda: program(data, "mask") is not None)
    left = program(data, "mask")
    assert left is not None
    os.kill(left.pid, signal.SIGSTOP)  # deaf to everything but kill -9, as one that hangs is
    first.kill()
    first.wait()
    second = start()
    wait_until(lambda: program(data, "mask") not in (None, left))
    assert second.poll() is None
    assert not psutil.pid_exists(left.pid) or not left.is_alive
    said = (data.root.parent / "said").read_text()
    assert f"mask of an earlier run (process {left.pid}) has not ended" in " ".join(said.split())
    refused = start()  # two that live are still refused
    assert refused.wait(PATIENCE_S) == 78
    assert second.poll() is None
