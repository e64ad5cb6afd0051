"""Three families of error, told apart by what the caller can do about them.

Every message says what was needed, what came, which camera, file or line it was, and what to try.
"""

from __future__ import annotations


class ForewarnError(Exception):
    """Base of all errors that forewarn raises on purpose."""

    exit_code = 1


class TryAgain(ForewarnError):
    """The same call may work later: a busy server, a camera that is restarting."""

    exit_code = 75  # EX_TEMPFAIL: scripts may retry


class PutAside(ForewarnError):
    """This one item is bad; keep its stamp and the reason, go on with the next."""

    exit_code = 65  # EX_DATAERR


class Stop(ForewarnError):
    """The set-up is wrong; going on would do harm or nothing."""

    exit_code = 78  # EX_CONFIG
