"""A sign of life: a file whose time says when a program last went round its loop."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

BEAT_EVERY_S = 1.0


class Heartbeat:
    """Touches its file at most once a second; a full disk must not stop the program."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next_s = 0.0
        path.parent.mkdir(parents=True, exist_ok=True)

    def __call__(self) -> None:
        """Say that the program is alive."""
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + BEAT_EVERY_S
            with contextlib.suppress(OSError):
                self._path.touch()


def beat_age_s(path: Path) -> float | None:
    """Seconds since the last beat; None if there was none."""
    try:
        return max(0.0, time.time() - path.stat().st_mtime)
    except OSError:
        return None
