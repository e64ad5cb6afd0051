"""Lock a folder for many readers or one writer, among threads and processes.

A record's folder is locked by whoever changes it (masked copies are added, originals come under another
key, it is erased or set aside) or has to see it as it is at one moment (a backup, a verification, an
export). The holds' folder likewise. The kernel releases a lock when its process ends.

Take locks in this order only: the holds' folder, a record's folder, the custody chain.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from domain.data_dir import DataDir
from domain.errors import TryAgain
from domain.processes.file_lock import LockHeld, file_lock, lock_handle


def shared_lock(folder: Path) -> AbstractContextManager[bool]:
    """Keep a folder from being changed, beside other readers; waits for whoever changes it.

    The context is whether there is such a folder; entering it raises OSError if that cannot be opened.
    """
    return _locked(folder, shared=True)


def exclusive_lock(folder: Path) -> AbstractContextManager[bool]:
    """Hold a folder alone, to change it, as `shared_lock`; waits for readers and another writer.

    Not reentrant: who holds the folder already, in either way, would wait for itself.
    """
    return _locked(folder, shared=False)


@contextmanager
def erasing_alone(data: DataDir) -> Iterator[None]:
    """Be the only one who erases records of a data folder, or needs that nobody does; before all other locks.

    Raises:
        TryAgain: another process is at it.
    """
    data.locks.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        try:
            held.enter_context(file_lock(data.locks / "erase", wait_s=0, mode=0o644))
        except LockHeld as error:
            raise TryAgain(
                f"{data.root}: another process is erasing, or makes the evidence table anew; again later"
            ) from error
        yield


@contextmanager
def _locked(folder: Path, *, shared: bool) -> Iterator[bool]:
    while True:
        try:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            yield False
            return
        try:
            lock_handle(handle, shared=shared)
            # while we waited, the folder may have been erased, or another one may have got its name
            if _is_still(handle, folder):
                yield True
                return
        finally:
            # closing releases the lock
            os.close(handle)


def _is_still(handle: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), folder.stat())
    except FileNotFoundError:
        return False
