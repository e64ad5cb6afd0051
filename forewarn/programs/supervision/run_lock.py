"""Allow one run a data folder and one process a program: two would fight over the recovery stores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Literal

from domain.data_dir import DataDir
from domain.errors import Stop, TryAgain
from domain.processes.file_lock import LockHeld, file_lock
from forewarn.programs.supervision.predecessors import end_predecessors

WAIT_FOR_PREDECESSOR_S = 60.0
WAIT_FOR_LOOKERS_S = 0.5  # `find_run` holds the lock for an instant
_FOOTAGE = "footage"  # in the lock file, after the process id


@contextmanager
def run_lock(
    data: DataDir,
    tell: Callable[[str], None] = lambda words: None,
    given_up: Callable[[], bool] = lambda: False,
    *,
    plays_footage: bool = False,
) -> Iterator[None]:
    """Hold the data folder for this process, once no program of an earlier run is at work in it.

    A killed holder lets go by itself.

    Args:
        data: the folder.
        tell: shows to people what was done about such a program.
        given_up: whether it is waited for no more.
        plays_footage: the run plays files once (--until-end), as others may want to know.
    Raises:
        Stop: another run holds it.
    """
    with ExitStack() as held:
        try:
            handle = held.enter_context(_lock(data, "run", WAIT_FOR_LOOKERS_S))
        except LockHeld:
            raise Stop(
                f"{data.root}: another forewarn run (process {_holder(data, 'run')}) uses this data "
                "folder; end it, or name another folder with --data"
            ) from None
        _sign(handle, _FOOTAGE if plays_footage else "")
        end_predecessors(data.locks, tell, given_up)
        yield


def find_run(data: DataDir) -> Literal["live", "footage"] | None:
    """Tell whether a run holds the data folder, and whether it is live or plays files once."""
    try:
        with file_lock(data.locks / "run", shared=True, wait_s=0, mode=0o666):
            return None
    except FileNotFoundError:  # not even a folder of locks
        return None
    except LockHeld:
        return "footage" if _FOOTAGE in _signed(data, "run") else "live"


@contextmanager
def program_lock(
    data: DataDir, program: str, given_up: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Hold one program's place, waiting for a predecessor that is still ending.

    When a run is killed its programs end by themselves, but not at once; the next run's programs
    must not touch the same stores before they have.

    Args:
        data: the folder.
        program: its name.
        given_up: whether to wait no more.
    Raises:
        TryAgain: the predecessor did not end.
    """
    with ExitStack() as held:
        try:
            handle = held.enter_context(_lock(data, program, WAIT_FOR_PREDECESSOR_S, given_up))
        except LockHeld:
            raise TryAgain(
                f"{data.root}: an earlier {program} (process {_holder(data, program)}) has not "
                f"ended after {WAIT_FOR_PREDECESSOR_S:.0f} s; end it by hand"
            ) from None
        _sign(handle)
        yield


def _lock(
    data: DataDir, name: str, wait_s: float, given_up: Callable[[], bool] = lambda: False
) -> AbstractContextManager[int]:
    data.locks.mkdir(parents=True, exist_ok=True)
    return file_lock(data.locks / name, wait_s=wait_s, mode=0o666, given_up=given_up)


def _sign(handle: int, what: str = "") -> None:
    with suppress(OSError):  # the lock holds on a full disk, too; only its holder is not named
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()} {what}".strip().encode())


def _signed(data: DataDir, name: str) -> list[str]:
    return (data.locks / name).read_text().split()


def _holder(data: DataDir, name: str) -> str:
    return next(iter(_signed(data, name)), "?")
