"""Open files that may have been exchanged for something that never ends when it is read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_plain(path: Path) -> BinaryIO:
    """Open a file to read; raises OSError where it is a pipe, a device or a folder."""
    # O_NONBLOCK: else opening a pipe waits for its other end; files do not know it
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "is no plain file", str(path))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_plain(path: Path) -> bytes:
    """Read a whole file; raises as `open_plain`."""
    with open_plain(path) as file:
        return file.read()
