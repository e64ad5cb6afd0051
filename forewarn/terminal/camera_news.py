"""Report trouble with cameras and frames, and settings of the clock, to whoever started a live run."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from domain.data_dir import DataDir
from domain.errors import TryAgain
from domain.events.catalog import CameraChanged, ClockStepped, ItemPutAside

LOOK_EVERY_S = 1.0


class CameraNews:
    """Reports what is wrong with a camera, and that it is over; calling it looks now and then."""

    def __init__(self, data: DataDir, notify: Callable[[str], None]) -> None:
        """Begin after what the log holds now: it is not reported again."""
        from event_log.follower import LogFollower

        wanted = (CameraChanged, ClockStepped, ItemPutAside)
        self._log = LogFollower(data.events_db, [kind.event_type for kind in wanted])
        self._log.skip_past()
        self._notify = notify
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
        found = self._log.read()
        if found.is_other_log:
            self._log.skip_past()
            return
        for event in found.events:
            data = event.data
            if isinstance(data, ItemPutAside | ClockStepped):
                self._notify(data.reason)
                continue
            assert isinstance(data, CameraChanged)
            if data.status != "up":
                self._in_trouble.add(data.camera_id)
                self._notify(data.reason or f"{data.camera_id}: {data.status}")
            elif data.camera_id in self._in_trouble:
                self._in_trouble.discard(data.camera_id)
                self._notify(_is_over(data, event.time))


def _is_over(data: CameraChanged, at: datetime) -> str:
    words = f"{data.camera_id}: is well again"
    if data.blind_since is not None:
        words += f", after {(at - data.blind_since).total_seconds():.0f} s without a picture"
    return f"{words}; {data.reason}" if data.reason else words
