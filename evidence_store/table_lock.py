"""Who writes the evidence table: any number of writers, or one eraser alone."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.errors import TryAgain

LONGEST_WRITE_S = 60.0
LOOK_EVERY_S = 0.05
_NAME = ".writers.lock"


@contextmanager
def writing_rows(folder: Path) -> Iterator[None]:
    """Hold the table open for adding rows.

    Raises:
        TryAgain: rows are being erased; that takes seconds, for large tables minutes.
    """
    with _locked(folder, fcntl.LOCK_SH):
        yield


@contextmanager
def alone_with_table(folder: Path) -> Iterator[None]:
    """Hold the table so that nobody else writes to it.

    Raises:
        TryAgain: somebody is writing for longer than a write takes.
    """
    with _locked(folder, fcntl.LOCK_EX, wait_s=LONGEST_WRITE_S):
        yield


@contextmanager
def _locked(folder: Path, how: int, wait_s: float = 0.0) -> Iterator[None]:
    try:
        file = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise TryAgain(f"evidence table {folder}: cannot be written: {error.strerror}") from error
    try:
        give_up_at_s = time.monotonic() + wait_s
        while not _try_lock(file, how):
            if time.monotonic() >= give_up_at_s:
                raise TryAgain(
                    f"evidence table {folder}: another process erases or writes rows; again in a moment"
                )
            time.sleep(LOOK_EVERY_S)
        yield
    finally:
        os.close(file)  # lets go of the lock, too


def _try_lock(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
