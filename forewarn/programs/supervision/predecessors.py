"""End what an earlier run left at work: its supervisor was killed and some program of it does not end."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from domain.processes.process_note import ProcessNote

log = structlog.get_logger()

GRACE_S = 20.0  # as long as a supervisor gives them
KILLED_WITHIN_S = 5.0
LOOK_EVERY_S = 0.1
ENDING = ".pid"  # of notes, beside the programs' lock files


def note_program(locks: Path, name: str, pid: int) -> None:
    """Note a program that was started, for the run after this one."""
    if note := ProcessNote.of(pid):
        with contextlib.suppress(OSError):  # a full disk must not keep it from watching
            note.write(locks / f"{name}{ENDING}")


def end_predecessors(
    locks: Path,
    tell: Callable[[str], None] = lambda words: None,
    given_up: Callable[[], bool] = lambda: False,
) -> None:
    """End the programs of earlier runs on a data folder, whose run lock the caller holds.

    The kernel asks them to end when their supervisor is killed. Who does not is asked again, and killed
    after its grace: it would hold its place for ever. Processes that only have its id now are left alone.

    Args:
        locks: the folder of locks and notes.
        tell: shows what was done to the person who started the run.
        given_up: whether the run is asked to end meanwhile.
    """
    notes = {path.stem: ProcessNote.read(path) for path in sorted(locks.glob(f"*{ENDING}"))}
    left = {name: note for name, note in notes.items() if note is not None and note.is_alive}
    _send(left, signal.SIGTERM, tell)
    _wait(left, GRACE_S, given_up)
    if not left or given_up():
        return
    for name, note in left.items():
        log.error("predecessor_killed", name=name, pid=note.pid, after_s=GRACE_S)
        tell(
            f"{name} of an earlier run (process {note.pid}) has not ended {GRACE_S:g} s after it was "
            "asked: it is killed"
        )
    _send(left, signal.SIGKILL, tell)
    _wait(left, KILLED_WITHIN_S, given_up)


def _send(
    left: dict[str, ProcessNote], number: signal.Signals, tell: Callable[[str], None]
) -> None:
    for name, note in left.items():
        log.info("predecessor_signalled", name=name, pid=note.pid, signal=number.name)
        try:
            note.send(number)
        except PermissionError:
            log.error("predecessor_not_ours", name=name, pid=note.pid)
            tell(
                f"{name} of an earlier run (process {note.pid}) belongs to another account: end it by hand"
            )


def _wait(left: dict[str, ProcessNote], seconds: float, given_up: Callable[[], bool]) -> None:
    """Wait until they are gone, and forget those."""
    until_s = time.monotonic() + seconds
    while True:
        for name in [name for name, note in left.items() if not note.is_alive]:
            del left[name]
        if not left or given_up() or time.monotonic() >= until_s:
            return
        time.sleep(LOOK_EVERY_S)
