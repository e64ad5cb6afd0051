"""Lock files and folders among processes and threads; the kernel releases a lock when its process ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOOK_EVERY_S = 0.05


class LockHeld(Exception):
    """Say that somebody else held the lock for longer than we wait."""


@contextmanager
def file_lock(
    path: Path,
    *,
    shared: bool = False,
    wait_s: float | None = None,
    mode: int = 0o640,
    given_up: Callable[[], bool] = lambda: False,
) -> Iterator[int]:
    """Hold a lock file, which is made where there is none; not reentrant, not even in one thread.

    Args:
        path: the lock file; its folder exists.
        shared: beside other shared holders; else alone.
        wait_s: seconds to wait for other holders, 0 or more; None: for as long as it takes.
        mode: of the file, where it is made.
        given_up: whether to wait no more, where `wait_s` says for how long at most.
    Yields:
        the open file's descriptor.
    Raises:
        LockHeld: somebody else held it all the time.
        OSError: the file cannot be opened.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, mode)
    try:
        lock_handle(handle, shared=shared, wait_s=wait_s, name=str(path), given_up=given_up)
        yield handle
    finally:
        # closing releases the lock
        os.close(handle)


def lock_handle(
    handle: int,
    *,
    shared: bool = False,
    wait_s: float | None = None,
    name: str = "",
    given_up: Callable[[], bool] = lambda: False,
) -> None:
    """Lock an open file or folder, called `name` in errors, as `file_lock` does, until it is closed.

    The lock belongs to the open file's descriptor, not to the process.

    Raises:
        LockHeld: somebody else held it all the time.
    """
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    if wait_s is None:
        fcntl.flock(handle, how)
        return
    give_up_at_s = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= give_up_at_s or given_up():
                raise LockHeld(f"{name}: locked by another process or thread") from None
            time.sleep(LOOK_EVERY_S)
