"""Three families of error, told apart by what the caller can do about them.

Every message says what was needed, what came, which camera, file or line it was, and what to try.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

# what the operating system says where space, a mount or a permission may come back
DISK_TROUBLE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN}
)

# of these, what room would mend
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class ForewarnError(Exception):
    """Base of all errors that forewarn raises on purpose."""

    exit_code = 1


class TryAgain(ForewarnError):
    """The same call may work later: a busy server, a camera that is restarting."""

    exit_code = 75  # EX_TEMPFAIL: scripts may retry


class NoRoom(TryAgain):
    """The disk is full, read-only or broken; it works again when somebody has seen to that."""


class PutAside(ForewarnError):
    """This one item is bad; keep its stamp and the reason, go on with the next."""

    exit_code = 65  # EX_DATAERR


class Stop(ForewarnError):
    """The set-up is wrong; going on would do harm or nothing."""

    exit_code = 78  # EX_CONFIG


def is_disk_trouble(error: BaseException | None) -> bool:
    """Tell whether an error, or what caused it, says that the disk is full or cannot be written."""
    while error is not None:
        if isinstance(error, NoRoom):
            return True
        if isinstance(error, OSError) and error.errno in DISK_TROUBLE:
            return True
        error = error.__cause__
    return False


def wants_room(error: BaseException) -> bool:
    """Tell whether an error says that the disk is full: deleting something would mend it."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM


@contextmanager
def full_disks_in_words() -> Iterator[None]:
    """Raise NoRoom in place of the operating system's word that a disk is full or cannot be written."""
    try:
        yield
    except OSError as error:
        if not is_disk_trouble(error):
            raise
        # of a copy the second is the one that could not be written
        where = error.filename2 or error.filename or "the data folder"
        words = f"{where}: {error.strerror}; make room, or make it writable, and start again"
        raise NoRoom(words) from error
