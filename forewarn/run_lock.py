"""One run a data folder, one process a program: two would fight over the recovery stores."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper

from domain.data_dir import DataDir
from domain.errors import Stop, TryAgain

WAIT_FOR_PREDECESSOR_S = 60.0
LOOK_EVERY_S = 0.1


@contextmanager
def run_lock(data: DataDir) -> Iterator[None]:
    """Hold the data folder for this process; a killed holder lets go by itself.

    Raises:
        Stop: another run holds it.
    """
    with _open(data, "run") as file:
        if not _try_lock(file):
            raise Stop(
                f"{data.root}: another forewarn run (process {_holder(file)}) uses this data folder; "
                "end it, or name another folder with --data"
            )
        _sign(file)
        yield


@contextmanager
def program_lock(data: DataDir, program: str) -> Iterator[None]:
    """Hold one program's place, waiting for a predecessor that is still ending.

    When a run is killed its programs end by themselves, but not at once; the next run's programs
    must not touch the same stores before they have.

    Raises:
        TryAgain: the predecessor did not end.
    """
    with _open(data, program) as file:
        deadline_s = time.monotonic() + WAIT_FOR_PREDECESSOR_S
        while not _try_lock(file):
            if time.monotonic() > deadline_s:
                raise TryAgain(
                    f"{data.root}: an earlier {program} (process {_holder(file)}) has not ended "
                    f"after {WAIT_FOR_PREDECESSOR_S:.0f} s; end it by hand"
                )
            time.sleep(LOOK_EVERY_S)
        _sign(file)
        yield


def _open(data: DataDir, name: str) -> TextIOWrapper:
    data.locks.mkdir(parents=True, exist_ok=True)
    return (data.locks / name).open("a+")


def _try_lock(file: TextIOWrapper) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sign(file: TextIOWrapper) -> None:
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()


def _holder(file: TextIOWrapper) -> str:
    file.seek(0)
    return file.read().strip() or "?"
