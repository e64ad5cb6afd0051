"""Jobs that a run does now and then, each in a process of its own that gives its memory back.

>>> python -m forewarn.programs.caretaker --data var      # doctest: +SKIP
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from domain.data_dir import DataDir
from forewarn.logging_setup import set_up_logging
from forewarn.programs.beat import Heartbeat
from forewarn.supervisor import die_with_parent, python_program
from models.text_search.install import SPEC, pair_folder

NAME = "caretaker"
LOOK_EVERY_S = 0.5
STOP_GRACE_S = 10.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """A command of forewarn that is run again and again."""

    name: str
    command: tuple[str, ...]  # --data is added
    every_s: float
    # when what the job looks after was changed last, seconds since 1970; it is not run without change
    changed_at: Callable[[DataDir], float] = lambda data: time.time()
    fine_codes: tuple[int, ...] = (0,)  # exit codes of a round that did its work


def table_changed_at(data: DataDir) -> float:
    """When the evidence table was written last; 0 where there is none."""
    return max((_mtime(path) for path in data.lancedb.glob("*.lance/_versions")), default=0.0)


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


UPKEEP = Job("upkeep", ("evidence", "upkeep"), every_s=600.0, changed_at=table_changed_at)


def audit_job(site_file: Path, keys: Path | None) -> Job:
    """Level-1 audit of all evidence, so that what gets worse shows; 1: some record has findings."""
    with_key = ("--keys", str(keys)) if keys else ()
    return Job(
        "audit",
        ("audit", "--json", "--site", str(site_file), *with_key),
        every_s=86400.0,
        changed_at=table_changed_at,
        fine_codes=(0, 1),
    )


def describe_job(triton: str | None) -> Job:
    """Make new evidence searchable by words, where a pair of models for that is installed."""
    server = ("--triton", triton) if triton else ()
    command = ("evidence", "describe", "--if-installed", *server)

    def changed_at(data: DataDir) -> float:
        return table_changed_at(data) if (pair_folder() / SPEC).exists() else 0.0

    return Job("describe", command, every_s=120.0, changed_at=changed_at)


def retention_job(site_file: Path, keys: Path | None) -> Job:
    """Erase what is due by the site file's terms, and end what a killed round began."""
    with_key = ("--keys", str(keys)) if keys else ()
    command = ("evidence", "retention", str(site_file), "--apply", *with_key)
    return Job("retention", command, every_s=900.0)


def main(argv: list[str] | None = None) -> None:
    """Run the jobs until SIGTERM."""
    parser = argparse.ArgumentParser(prog=f"python -m forewarn.programs.{NAME}")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--site", type=Path, help="whose terms of retention count; none: no erasing"
    )
    parser.add_argument("--triton", help="HOST:PORT of the server that describes evidence")
    parser.add_argument("--keys", type=Path, help="folder of the key that signs certificates")
    given = parser.parse_args(argv)
    data = DataDir(given.data.resolve())
    jobs = [UPKEEP, describe_job(given.triton)]
    if given.site:
        jobs += [retention_job(given.site, given.keys), audit_job(given.site, given.keys)]
    set_up_logging(NAME)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    look_after(data, jobs, stopped, Heartbeat(data.beats / NAME))


def look_after(
    data: DataDir, jobs: Sequence[Job], stopped: threading.Event, beat: Callable[[], None]
) -> None:
    """Run each job when it is due and something changed; one at a time, until told to stop."""
    due_s = {job.name: time.monotonic() + job.every_s for job in jobs}
    done_at = {job.name: 0.0 for job in jobs}
    while not stopped.is_set():
        beat()
        for job in jobs:
            if time.monotonic() < due_s[job.name] or stopped.is_set():
                continue
            if job.changed_at(data) > done_at[job.name]:
                _run(job, data, stopped, beat)
                done_at[job.name] = time.time()  # its own writes are no change
            due_s[job.name] = time.monotonic() + job.every_s
        stopped.wait(LOOK_EVERY_S)


def _run(job: Job, data: DataDir, stopped: threading.Event, beat: Callable[[], None]) -> None:
    """One round of a job; what goes wrong is logged, and the next round tries again."""
    words = python_program("forewarn", [*job.command, "--data", str(data.root)])
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=die_with_parent,
    ) as process:
        said: list[str] = []
        assert process.stdout is not None
        reader = threading.Thread(target=lambda: said.extend(process.stdout or ()), daemon=True)
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
        log.error("job_failed", job=job.name, code=process.returncode, said="".join(said)[-500:])
    else:
        log.info("job_done", job=job.name)


if __name__ == "__main__":
    main()
