"""Start programs, restart those that die, kill those that hang, and stop all in order."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

import structlog

from domain.errors import Stop, TryAgain
from domain.processes.backoff import Backoff
from flows.signals import StopFlag
from forewarn.programs.supervision.beat import BeatWatch
from forewarn.programs.supervision.child import start_child
from forewarn.programs.supervision.predecessors import note_program

log = structlog.get_logger()

POLL_S = 0.2
STANDS_STILL_S = 60.0  # without a sign of life
STARTS_WITHIN_S = 600.0  # until the first one: a slow machine synthesises all calls before it
CALM_S = 60.0  # ran that long: earlier crashes are forgotten
FIRST_PAUSE_S, LAST_PAUSE_S = 1.0, 30.0
STOP_GRACE_S = 20.0
LONGEST_AFTER_SHORTAGE_S = 8.0  # all has to go on within ten seconds


@dataclass
class Program:
    """One program and how it has fared."""

    name: str
    argv: list[str]
    log_file: Path
    beat_file: Path | None = None
    max_crashes: int | None = None  # in a row; None: restart for ever
    withheld: frozenset[str] = frozenset()  # variables of the environment that are not for it
    may_finish: bool = True  # by itself; else it is started again however it ended
    starts_again: bool = True  # else it is run once, however it ends
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    restart_at_s: float | None = None
    crashes: int = field(default=0)
    lacks_room: bool = False  # it ended on a full disk, and that was told
    beats: BeatWatch | None = None
    backoff: Backoff = field(default_factory=lambda: Backoff(FIRST_PAUSE_S, LAST_PAUSE_S))

    @property
    def is_running(self) -> bool:
        """True while its process lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def has_finished(self) -> bool:
        """True when it ended by itself with exit code 0, and that is what it is for."""
        return self.may_finish and self.process is not None and self.process.poll() == 0


class Disks(Protocol):
    """What the supervisor has to know of the disks that programs write to."""

    @property
    def is_short(self) -> bool:
        """Tell whether programs cannot run now, for they could keep neither events nor their state."""

    def was_short(self) -> bool:
        """Look now, and tell whether programs cannot run, or could not a few seconds ago."""


class _BoundlessDisks:
    is_short = False

    def was_short(self) -> bool:
        return False


class Supervisor:
    """Looks after a handful of programs; use as a context, leaving it stops them all."""

    def __init__(
        self,
        notify: Callable[[str], None] = lambda words: None,
        locks: Path | None = None,
        disks: Disks | None = None,
        on_crash: Callable[[str, int], bool] = lambda name, code: False,
    ) -> None:
        """Begin without programs.

        Args:
            notify: shows trouble to the person who started the run; details are in the log.
            locks: folder where its programs are noted for the run after this one; None: they are not.
            disks: what is known of the disks; None: they are taken to have room.
            on_crash: told a program's name and exit code; returns whether what did it was taken out.
        """
        self._on_crash = on_crash
        self._disks: Disks = disks or _BoundlessDisks()
        self._locks = locks
        self.programs: dict[str, Program] = {}
        self._notify = notify
        self._is_under_way = (
            False  # all programs have worked: nobody sits there and waits for the start
        )

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop_all()

    def start(self, program: Program) -> None:
        """Start a program; its output goes to its log file."""
        self.programs[program.name] = program
        program.started_s, program.restart_at_s = time.monotonic(), None
        if program.beat_file is not None:
            with contextlib.suppress(OSError):
                program.beat_file.unlink(missing_ok=True)
            program.beats = BeatWatch(program.beat_file)
        with _open_log(program.log_file) as output:
            # terminal's Ctrl-C is for the supervisor, which stops the programs in order
            program.process = start_child(
                program.argv, output, env=_environment(program.withheld), start_new_session=True
            )
        if self._locks is not None:
            note_program(self._locks, program.name, program.process.pid)
        log.info("program_started", name=program.name, pid=program.process.pid)

    def forget(self, program: Program) -> None:
        """Look no longer after a program that has ended."""
        self.programs.pop(program.name, None)

    def run(self, until: Callable[[], bool], on_poll: Callable[[], None] = lambda: None) -> None:
        """Look after the programs until `until()` says so.

        What is to go on for ever (`may_finish` False) raises nothing any more once all programs have
        worked: at night one program that cannot go on must not take the others with it.

        Raises:
            Stop: a program's set-up is wrong.
            TryAgain: a program crashed too often.
        """
        while not until():
            for program in self.programs.values():
                self._look_after(program)
            self._is_under_way = self._is_under_way or all(map(_has_worked, self.programs.values()))
            on_poll()
            time.sleep(POLL_S)

    def _look_after(self, program: Program) -> None:
        if program.restart_at_s is not None:
            if time.monotonic() >= program.restart_at_s and not self._disks.is_short:
                self._start_again(program)
            return
        if program.is_running:
            self._check_beat(program)
        elif program.starts_again and not program.has_finished:
            self._plan_restart(program)

    def _start_again(self, program: Program) -> None:
        """Start a program, now or later: for want of memory or process ids there may be none just now."""
        try:
            self.start(program)
        except OSError as error:
            pause_s = program.backoff.next_s()
            program.restart_at_s = time.monotonic() + pause_s
            log.error("program_not_started", name=program.name, reason=str(error))
            self._notify(
                f"{program.name} cannot be started ({error.strerror}); trying again in {pause_s:g} s"
            )

    def replace_all(self, programs: list[Program]) -> None:
        """End all programs in order, and start others in their place."""
        self.stop_all()
        self.programs.clear()
        for program in programs:
            self.programs[program.name] = program
            self._start_again(program)

    def _check_beat(self, program: Program) -> None:
        if program.beats is None:
            return
        silent_s = program.beats.look()
        if silent_s <= (STANDS_STILL_S if program.beats.has_begun else STARTS_WITHIN_S):
            return
        assert program.process is not None
        if not program.beats.is_writable:
            program.beats.begin_anew()
            return
        log.error("program_stands_still", name=program.name, silent_s=round(silent_s))
        self._notify(f"{program.name} stands still for {silent_s:.0f} s: it is restarted")
        program.process.kill()

    def _plan_restart(self, program: Program) -> None:
        assert program.process is not None
        code = program.process.returncode
        if self._disks.was_short():
            # no crash: it comes back when it can keep what it does
            pause_s = min(program.backoff.next_s(), LONGEST_AFTER_SHORTAGE_S)
            program.restart_at_s = time.monotonic() + pause_s
            log.warning(
                "program_waits_for_room", name=program.name, code=code, restart_in_s=pause_s
            )
            if not program.lacks_room:
                self._notify(
                    f"{program.name} ended for want of room on the disk; it is started again when there is some"
                )
            program.lacks_room = True
            return
        program.lacks_room = False
        gives_up = program.may_finish or not self._is_under_way
        if code == Stop.exit_code and gives_up:
            raise Stop(f"{program.name} cannot start:\n{last_lines(program.log_file)}")
        if time.monotonic() - program.started_s > CALM_S:
            program.crashes = 0
            program.backoff.reset()
        # kill -9 comes from outside (the kernel out of memory, a person, our own watchdog): the
        # next start may well go better, however often it happens
        was_killed = code == -signal.SIGKILL
        program.crashes += not was_killed
        if self._on_crash(program.name, code):
            program.crashes = 0
            program.backoff.reset()
        too_often = program.max_crashes is not None and program.crashes > program.max_crashes
        if too_often and gives_up:
            raise TryAgain(
                f"{program.name} ended {program.crashes} times in a row (last with {code}); "
                f"the end of {program.log_file}:\n{last_lines(program.log_file)}"
            )
        pause_s = program.backoff.pause_s if was_killed else program.backoff.next_s()
        program.restart_at_s = time.monotonic() + pause_s
        log.error("program_crashed", name=program.name, code=code, restart_in_s=pause_s)
        why = f": {last_lines(program.log_file, 1)}" if code == Stop.exit_code else ""
        self._notify(
            f"{program.name} ended unexpectedly (exit code {code}){why}; "
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
        """Send SIGTERM in the order of starting, then SIGKILL to what does not listen."""
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


@contextmanager
def in_order(stopped: StopFlag) -> Iterator[None]:
    """Let a run that is asked to end do so without a fault, however far its start had come."""
    try:
        yield
    except TryAgain:  # what it waited for did not come: nobody waits any more
        if not stopped.is_set():
            raise


def _open_log(path: Path) -> BinaryIO:
    """Open a program's log; where the disk cannot be written the program runs without one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")
    except OSError as error:
        log.warning("program_without_log", path=str(path), reason=str(error))
        return Path(os.devnull).open("ab")


def _has_beaten(program: Program) -> bool:
    """Tell whether a program has gone round its loop: its signal handlers are then in place."""
    return program.beat_file is None or program.beat_file.exists()


def _has_worked(program: Program) -> bool:
    """Tell whether its set-up is good: it has gone round its loop, or has run for long where it has no signs."""
    if not program.starts_again:
        return True
    if program.beats is not None:
        return program.beats.has_begun
    return program.is_running and time.monotonic() - program.started_s > CALM_S


def last_lines(path: Path, count: int = 15) -> str:
    """Return the end of a log file, for people."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-count:])
    except OSError as error:
        return f"(no log: {error.strerror})"


def _environment(withheld: frozenset[str]) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if name not in withheld},
        "PYTHONUNBUFFERED": "1",
        # glibc keeps an arena a thread; long-lived writers grew past 900 MB without this
        "MALLOC_ARENA_MAX": "2",
        "LANCE_LOG": "error",
        # Bytewax's panics are told in words; 40 lines each would go to a disk that is full
        "RUST_BACKTRACE": "0",
    }
