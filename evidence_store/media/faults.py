"""Turn whatever opening, reading or decoding footage raises into one error.

PyAV's errors share no base that a caller would think of: a read that timed out (`ExitError`), every
answer of a server (`HTTPError`) and a scheme nobody knows (`ProtocolNotFoundError`) are neither
OSError nor ValueError, and damaged files also raise AttributeError and OverflowError.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import av
import structlog

from domain.errors import ForewarnError, PutAside

log = structlog.get_logger()

# what footage and servers are known to cause; anything else may be a mistake of ours
KNOWN_CAUSES = (av.FFmpegError, OSError, ValueError, MemoryError, EOFError, ArithmeticError)


class MediaFault(PutAside):
    """Footage that cannot be opened, or not be read on; the message is the cause's own words."""


class NotTaken(MediaFault):
    """A playlist or a list, which would have us open what it names."""

    def __init__(self) -> None:
        super().__init__("a playlist or a list of other files, which is not followed")


@contextmanager
def media_faults(*, opens: bool = False) -> Iterator[None]:
    """Raise a MediaFault in place of whatever is raised inside; our own errors pass.

    What footage is not known to cause is logged with its traceback, so that a mistake of ours stays
    visible although it stops nothing.

    Args:
        opens: something is opened with `input_options`: what they do not let in is a NotTaken.
    """
    try:
        with unnamed_address():
            yield
    except ForewarnError:
        raise
    except Exception as error:
        if not isinstance(error, KNOWN_CAUSES):
            log.exception("unexpected_media_fault")
        is_refused = opens and isinstance(error, av.error.ArgumentError)
        raise (NotTaken() if is_refused else MediaFault(first_line(error))) from error


@contextmanager
def unnamed_address() -> Iterator[None]:
    """Leave the address out of FFmpeg's errors, which name it with the password."""
    try:
        yield
    except av.FFmpegError as error:
        error.args = error.args[:2]  # the code and FFmpeg's words
        raise


def first_line(error: Exception) -> str:
    """Summarize an exception: the first line of its message, or its type."""
    text = str(getattr(error, "strerror", None) or error)
    return text.splitlines()[0] if text else type(error).__name__
