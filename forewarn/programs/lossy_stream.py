"""Text stream that never raises: what cannot be written is dropped, counted and told of later.

A full disk, a closed terminal or a broken pipe must not end the program, or the thread, that only wanted
to say something.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO


@dataclass(frozen=True, slots=True)
class DroppedLines:
    """What was dropped while nothing could be written."""

    lines: int
    from_at: datetime
    to_at: datetime
    reason: str  # what the operating system said

    def in_words(self) -> str:
        """Describe it in a line for people."""
        return (
            f"({self.lines} lines could not be written here from {self.from_at:%Y-%m-%d %H:%M:%S} to "
            f"{self.to_at:%H:%M:%S} UTC: {self.reason})\n"
        )


class LossyStream(io.TextIOBase):
    """Writes text to another stream as long as that works; safe for several threads.

    A stream with a file descriptor is written to without a buffer between: what a buffer could not get
    rid of it would try again, and raise again, at each line and at the end of the process.
    """

    def __init__(
        self, stream: TextIO, tell: Callable[[DroppedLines], str] = DroppedLines.in_words
    ) -> None:
        """Write to `stream`; `tell` makes the line that says what was dropped, once it can be written."""
        self._stream = stream
        self._tell = tell
        self._handle = _handle_of(stream)
        self._lock = threading.RLock()  # a signal's handler may write, too
        self._gap: DroppedLines | None = None
        self._is_torn = False  # the last line got its beginning only

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Name how text becomes bytes, as the stream below does."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    @property
    def below(self) -> TextIO:
        """Return the stream that is written to."""
        return self._stream

    @property
    def gap(self) -> DroppedLines | None:
        """Return what was dropped since a line could last be written; None: nothing."""
        return self._gap

    def write(self, text: str) -> int:
        """Write text, or drop it; always says that all was written."""
        with self._lock:
            try:
                self._put((self._tell(self._gap) if self._gap else "") + text)
                self._gap = None
            except (OSError, ValueError) as error:  # ValueError: the stream is closed
                self._drop(text, error)
        return len(text)

    def flush(self) -> None:
        """Push out what the stream below holds back, if it can."""
        if self._handle is not None:
            return
        try:
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._drop("", error)

    def fileno(self) -> int:
        """Return the descriptor of the stream below."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Tell whether a person sees it."""
        try:
            return self._stream.isatty()
        except ValueError:
            return False

    def writable(self) -> bool:
        """Return True: whatever comes is taken."""
        return True

    def close(self) -> None:
        """Leave the stream below to its owner."""

    def _put(self, text: str) -> None:
        if self._handle is None:
            self._stream.write(text)
            return
        content = text.encode(self.encoding, errors="backslashreplace")
        if self._is_torn:
            content = b"\n" + content
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
            self._is_torn = False
        except OSError:
            self._is_torn = self._is_torn or len(rest) < len(content)
            raise

    def _drop(self, text: str, error: OSError | ValueError) -> None:
        now = datetime.now(UTC)
        lines = max(1, text.count("\n"))
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        before = self._gap
        self._gap = DroppedLines(
            lines + (before.lines if before else 0),
            before.from_at if before else now,
            now,
            before.reason if before else reason,
        )


def _handle_of(stream: TextIO) -> int | None:
    """Return the descriptor to write to; None: the stream has none, as where a test captures it."""
    try:
        stream.flush()
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None
