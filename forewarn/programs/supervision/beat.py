"""Signs of life: a program writes a growing number, its supervisor looks whether it still changes.

No wall clock is asked, for it may be set while everything runs.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

BEAT_EVERY_S = 1.0
LONGEST_LOOK_S = 1.0


class Heartbeat:
    """Writes its file at most once a second; a full disk must not stop the program."""

    def __init__(self, path: Path) -> None:
        """Begin without a sign; its folder is made."""
        self._path = path
        self._next_s = 0.0
        path.parent.mkdir(parents=True, exist_ok=True)

    def __call__(self) -> None:
        """Say that the program is alive."""
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + BEAT_EVERY_S
            with contextlib.suppress(OSError):
                _overwrite(self._path, b"%020d\n" % time.monotonic_ns(), os.O_CREAT)


class BeatWatch:
    """Counts for how long a program's sign of life has not changed, over our own looks at it."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to look.

        Args:
            path: the program's file.
            clock: seconds since any moment; never goes back.
        """
        self._path, self._clock = path, clock
        self._seen = b""
        self._looked_s = clock()
        self._silent_s = 0.0

    @property
    def has_begun(self) -> bool:
        """True once there was a sign."""
        return bool(self._seen)

    def look(self) -> float:
        """Return the seconds without a new sign, before the first one since we began to look.

        A look counts for LONGEST_LOOK_S at most: where we ourselves were stopped or the whole machine
        was, the program has had no chance, or we have not seen its signs.
        """
        now_s = self._clock()
        self._silent_s += min(now_s - self._looked_s, LONGEST_LOOK_S)
        self._looked_s = now_s
        with contextlib.suppress(OSError):
            found = self._path.read_bytes()
            if found not in (self._seen, b""):
                self._seen, self._silent_s = found, 0.0
        return self._silent_s

    def begin_anew(self) -> None:
        """Give the program the whole time once more."""
        self._silent_s = 0.0

    @property
    def is_writable(self) -> bool:
        """False where nobody could write a sign: that says nothing about the program."""
        try:
            if self.has_begun:
                _overwrite(self._path, self._seen)
            else:  # as the program would; nobody may take ours for its own
                _overwrite(self._path, b"\n", os.O_CREAT)
                self._path.unlink()
        except OSError:
            return False
        return True


def _overwrite(path: Path, content: bytes, flags: int = 0) -> None:
    """Write over a file's beginning: unlike a new file, that needs no space on a full disk."""
    handle = os.open(path, os.O_WRONLY | flags, 0o640)
    try:
        os.pwrite(handle, content, 0)
    finally:
        os.close(handle)
