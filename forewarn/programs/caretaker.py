"""Run periodic jobs, each in a process of its own that gives its memory back.

>>> python -m forewarn.programs.caretaker --data var      # doctest: +SKIP
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from domain.data_dir import DataDir
from event_log.site_in_force import applied_in
from flows.signals import StopFlag, install_stop_signals, note_sigterm
from forewarn.programs.logging_setup import set_up_logging
from forewarn.programs.supervision.beat import Heartbeat
from forewarn.programs.supervision.child import python_program, start_child
from models.likeness.space import is_likeness_built
from models.text_search.installed import SPEC, pair_folder

NAME = "caretaker"
LOOK_EVERY_S = 0.5
STOP_GRACE_S = 10.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PeriodicCommand:
    """A command of forewarn that is run again and again."""

    name: str
    command: tuple[str, ...]  # --data is added
    every_s: float
    # differs once what the job looks after was changed; it is not run without change, nor at 0: nothing there
    state: Callable[[DataDir], float] = lambda data: time.monotonic()
    fine_codes: tuple[int, ...] = (0,)  # exit codes of a round that did its work


def table_state(data: DataDir) -> float:
    """Return what differs once the evidence table was written; 0 where there is none."""
    return max((_mtime(path) for path in data.lancedb.glob("*.lance/_versions")), default=0.0)


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


UPKEEP = PeriodicCommand("upkeep", ("evidence", "upkeep"), every_s=600.0, state=table_state)


def audit_job(keys: Path | None) -> PeriodicCommand:
    """Audit all evidence every day, so that what gets worse shows; exit code 1: some record has findings."""
    with_key = ("--keys", str(keys)) if keys else ()
    return PeriodicCommand(
        "audit",
        ("audit", "--json", *with_key),
        every_s=86400.0,
        state=table_state,
        fine_codes=(0, 1),
    )


def describe_job(triton: str | None) -> PeriodicCommand:
    """Make new evidence searchable by the likeness model and a pair for words, where they are installed."""
    server = ("--triton", triton) if triton else ()
    command = ("evidence", "describe", "--if-installed", *server)

    def state(data: DataDir) -> float:
        is_installed = (pair_folder() / SPEC).exists() or is_likeness_built()
        return table_state(data) if is_installed else 0.0

    return PeriodicCommand("describe", command, every_s=120.0, state=state)


def retention_job(keys: Path | None) -> PeriodicCommand:
    """Erase what is due by the terms of the site file in force, and end what a killed round began."""
    with_key = ("--keys", str(keys)) if keys else ()
    command = ("evidence", "retention", "--apply", *with_key)
    return PeriodicCommand("retention", command, every_s=900.0)


def main(argv: list[str] | None = None) -> None:
    """Run the jobs until SIGTERM."""
    parser = argparse.ArgumentParser(prog=f"python -m forewarn.programs.{NAME}")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--triton", help="HOST:PORT of the server that describes evidence")
    parser.add_argument("--keys", type=Path, help="folder of the key that signs certificates")
    given = parser.parse_args(argv)
    data = DataDir(given.data.resolve())
    jobs = [UPKEEP, describe_job(given.triton)]
    if applied_in(data) is not None:  # else nobody knows the terms
        jobs += [retention_job(given.keys), audit_job(given.keys)]
    set_up_logging(NAME)
    sys.stdout = sys.stderr  # both are the log file, and neither may raise
    stopped, _ = install_stop_signals()
    note_sigterm()
    look_after(data, jobs, stopped, Heartbeat(data.beats / NAME))


def look_after(
    data: DataDir,
    jobs: Sequence[PeriodicCommand],
    stopped: StopFlag,
    beat: Callable[[], None],
) -> None:
    """Run each job when it is due and something changed; one at a time, until told to stop."""
    due_s = {job.name: time.monotonic() + job.every_s for job in jobs}
    done = {job.name: 0.0 for job in jobs}  # the state that each left
    while not stopped.is_set():
        beat()
        for job in jobs:
            if time.monotonic() < due_s[job.name] or stopped.is_set():
                continue
            if job.state(data) not in (0.0, done[job.name]):
                _run(job, data, stopped, beat)
                done[job.name] = job.state(data)  # its own writes are no change
            due_s[job.name] = time.monotonic() + job.every_s
        stopped.wait(LOOK_EVERY_S)


def _run(job: PeriodicCommand, data: DataDir, stopped: StopFlag, beat: Callable[[], None]) -> None:
    """Run a job once; log what goes wrong, and leave it to the next round."""
    words = python_program("forewarn.__main__", [*job.command, "--data", str(data.root)])
    with start_child(words, subprocess.PIPE, text=True) as process:
        output: list[str] = []
        assert process.stdout is not None
        reader = threading.Thread(target=lambda: output.extend(process.stdout or ()), daemon=True)
        reader.start()
        while process.poll() is None:
            beat()
            if stopped.wait(LOOK_EVERY_S):
                process.terminate()
                try:
                    process.wait(STOP_GRACE_S)
                except subprocess.TimeoutExpired:
                    process.kill()
        reader.join()
    if process.returncode not in job.fine_codes and not stopped.is_set():
        log.error("job_failed", job=job.name, code=process.returncode, said="".join(output)[-500:])
    else:
        log.info("job_done", job=job.name)


if __name__ == "__main__":
    main()
