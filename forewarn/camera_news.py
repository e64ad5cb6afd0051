"""Trouble with cameras, told to who started a live run: read from the event log."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.markup import escape

from domain.data_dir import DataDir
from domain.errors import TryAgain

LOOK_EVERY_S = 1.0


class CameraNews:
    """Tells what is wrong with a camera, and that it is over; calling it looks now and then."""

    def __init__(self, data: DataDir, tell: Callable[[str], None]) -> None:
        """What the log held before is not told again."""
        from event_log.log import EventLog

        self._log = EventLog.open(data.events_db)
        self._seq = self._log.last_seq()
        self._tell = tell
        self._look_at = 0.0
        self._in_trouble: set[str] = set()

    def __call__(self) -> None:
        """Look at the log, at most once a second."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_EVERY_S
        try:
            self._read()
        except TryAgain:  # the log is busy or gone: the programs that need it say so
            return

    def _read(self) -> None:
        from domain.events import CameraChanged

        page = self._log.read_page(self._seq, [CameraChanged.event_type])
        self._seq = page.scanned_to
        for logged in page.events:
            data = logged.event.data
            assert isinstance(data, CameraChanged)
            if data.status != "up":
                self._in_trouble.add(data.camera_id)
                self._tell(printable(data.reason or f"{data.camera_id}: {data.status}"))
            elif data.camera_id in self._in_trouble:
                self._in_trouble.discard(data.camera_id)
                self._tell(f"{data.camera_id}: is well again")


def printable(words: str) -> str:
    """Reasons may quote what a camera said: nothing of it may steer the terminal, or count as markup."""
    return escape("".join(each if each.isprintable() else "\ufffd" for each in words))
