"""Who may touch a folder now: many readers, or one writer; among threads and processes.

A record's folder is locked by whoever changes it (masked copies are added, originals come under another
key, it is erased or set aside) or has to see it as it is at one moment (a backup, a verification, an
export). Holds and their folder likewise. The kernel lets go of a lock when its process ends.

Taken in this order, never the other way: the holds' folder, a record's folder, the custody chain.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def as_it_is(folder: Path) -> Iterator[bool]:
    """Nobody changes the folder meanwhile; waits for whoever does.

    Yields:
        whether there is such a folder.
    Raises:
        OSError: it cannot be opened.
    """
    with _locked(folder, fcntl.LOCK_SH) as is_there:
        yield is_there


@contextmanager
def alone_with(folder: Path) -> Iterator[bool]:
    """Nobody else changes the folder or relies on it meanwhile; waits until that is so.

    Not to be taken by who has it already, in either way: it would wait for itself.

    Yields:
        whether there is such a folder.
    Raises:
        OSError: it cannot be opened.
    """
    with _locked(folder, fcntl.LOCK_EX) as is_there:
        yield is_there


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[bool]:
    while True:
        try:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            yield False
            return
        try:
            fcntl.flock(handle, how)
            if _is_still(handle, folder):
                yield True
                return
        finally:
            os.close(handle)  # lets go of the lock, too
        # while we waited it was erased, or another one got its name: look again


def _is_still(handle: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), folder.stat())
    except FileNotFoundError:
        return False
