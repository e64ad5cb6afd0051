"""Starts the programs, restarts what dies, kills what stands still, stops all in order."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from domain.errors import Stop, TryAgain
from forewarn.programs.beat import beat_age_s

log = structlog.get_logger()

POLL_S = 0.2
STANDS_STILL_S = 60.0  # without a sign of life; longer than any start
CALM_S = 60.0  # ran that long: earlier crashes are forgotten
LAST_PAUSE_S = 30.0
STOP_GRACE_S = 20.0
_PR_SET_PDEATHSIG = 1


@dataclass
class Program:
    """One program and how it has fared."""

    name: str
    argv: list[str]
    log_file: Path
    beat_file: Path | None = None
    max_crashes: int | None = None  # in a row; None: restart for ever
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    restart_at_s: float | None = None
    crashes: int = field(default=0)

    @property
    def is_running(self) -> bool:
        """True while its process lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def has_finished(self) -> bool:
        """True when it ended by itself with exit code 0."""
        return self.process is not None and self.process.poll() == 0


class Supervisor:
    """Looks after a handful of programs; use as a context, leaving it stops them all."""

    def __init__(self, tell: Callable[[str], None] = lambda words: None) -> None:
        """Args:
        tell: shows trouble to the person who started the run; details are in the log.
        """
        self.programs: dict[str, Program] = {}
        self._tell = tell

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop_all()

    def start(self, program: Program) -> None:
        """Start a program; its output goes to its log file."""
        self.programs[program.name] = program
        program.log_file.parent.mkdir(parents=True, exist_ok=True)
        program.started_s, program.restart_at_s = time.monotonic(), None
        if program.beat_file is not None:
            program.beat_file.unlink(missing_ok=True)
        with program.log_file.open("ab") as output:
            program.process = subprocess.Popen(
                program.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_environment(),
                # terminal's Ctrl-C is for the supervisor, which stops the programs in order
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        log.info("program_started", name=program.name, pid=program.process.pid)

    def run(self, until: Callable[[], bool], on_poll: Callable[[], None] = lambda: None) -> None:
        """Look after the programs until `until()` says so.

        Raises:
            Stop: a program's set-up is wrong.
            TryAgain: a program crashed too often.
        """
        while not until():
            for program in self.programs.values():
                self._look_after(program)
            on_poll()
            time.sleep(POLL_S)

    def _look_after(self, program: Program) -> None:
        if program.restart_at_s is not None:
            if time.monotonic() >= program.restart_at_s:
                self.start(program)
            return
        if program.is_running:
            self._check_beat(program)
        elif not program.has_finished:
            self._plan_restart(program)

    def _check_beat(self, program: Program) -> None:
        age_s = beat_age_s(program.beat_file) if program.beat_file else None
        if age_s is None or program.process is None:
            return
        if age_s > STANDS_STILL_S:
            log.error("program_stands_still", name=program.name, silent_s=round(age_s))
            self._tell(f"{program.name} stands still for {age_s:.0f} s: it is restarted")
            program.process.kill()

    def _plan_restart(self, program: Program) -> None:
        assert program.process is not None
        code = program.process.returncode
        if code == Stop.exit_code:
            raise Stop(f"{program.name} cannot start:\n{last_lines(program.log_file)}")
        if time.monotonic() - program.started_s > CALM_S:
            program.crashes = 0
        # kill -9 comes from outside (the kernel out of memory, a person, our own watchdog): the
        # next start may well go better, however often it happens
        program.crashes += code != -signal.SIGKILL
        if program.max_crashes is not None and program.crashes > program.max_crashes:
            raise TryAgain(
                f"{program.name} ended {program.crashes} times in a row (last with {code}); "
                f"the end of {program.log_file}:\n{last_lines(program.log_file)}"
            )
        pause_s = min(2.0 ** max(0, program.crashes - 1), LAST_PAUSE_S)
        program.restart_at_s = time.monotonic() + pause_s
        log.error("program_crashed", name=program.name, code=code, restart_in_s=pause_s)
        self._tell(
            f"{program.name} ended unexpectedly (exit code {code}); "
            f"restarting in {pause_s:g} s; see {program.log_file}"
        )

    def drain(
        self,
        names: list[str],
        on_poll: Callable[[], None] = lambda: None,
        given_up: Callable[[], bool] = lambda: False,
    ) -> None:
        """Ask programs to finish what is waiting for them, and wait until they have."""
        asked: dict[str, int | None] = {}

        def drained() -> bool:
            for name in names:
                program = self.programs[name]
                # a program that was restarted meanwhile must be asked again
                pid = program.process.pid if program.process else None
                if pid and program.is_running and asked.get(name) != pid and _has_beaten(program):
                    os.kill(pid, signal.SIGUSR1)
                    asked[name] = pid
            return given_up() or all(self.programs[name].has_finished for name in names)

        self.run(drained, on_poll)

    def stop_all(self) -> None:
        """SIGTERM in the order of starting, then SIGKILL for what does not listen."""
        for program in self.programs.values():
            if program.is_running and program.process is not None:
                program.process.terminate()
        deadline_s = time.monotonic() + STOP_GRACE_S
        for program in self.programs.values():
            if program.process is None:
                continue
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.process.wait(max(0.1, deadline_s - time.monotonic()))
            if program.is_running:
                log.error("program_killed", name=program.name)
                program.process.kill()
                program.process.wait()


def _has_beaten(program: Program) -> bool:
    """Its signal handlers are in place once it has gone round its loop."""
    return program.beat_file is None or program.beat_file.exists()


def last_lines(path: Path, count: int = 15) -> str:
    """The end of a log file, for people."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-count:])
    except OSError as error:
        return f"(no log: {error.strerror})"


def python_program(module: str, argv: list[str]) -> list[str]:
    """Command line that runs one of our modules with this interpreter."""
    return [sys.executable, "-m", module, *argv]


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        # glibc keeps an arena a thread; long-lived writers grew past 900 MB without this
        "MALLOC_ARENA_MAX": "2",
        "LANCE_LOG": "error",
    }


def die_with_parent() -> None:
    """In the child: end when its starter is killed, so that no orphan goes on warning or erasing."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
