"""Event time of a camera's frames: a file has its own clock, a live stream has the wall's."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from domain.site import event_time

# a stream's own clock may drift or jump (camera rebooted, pts wrapped): past this, anchor anew
MAX_DRIFT_S = 2.0


class FileClock:
    """Footage played from a file: the start of the file plus media time, whatever the pace."""

    def __init__(self, starts_at: datetime) -> None:
        self._starts_at = starts_at.astimezone(UTC)

    def at(self, media_time_s: float) -> datetime:
        """Event time of the frame at that media time."""
        return event_time(self._starts_at, media_time_s)


class LiveClock:
    """A live stream: the stream's own spacing, anchored on this machine's clock.

    Arrival times jitter by the network's queue; the stream's timestamps do not. So frames are
    stamped by their distance from the one that was least delayed so far (none can have been taken
    after it arrived), until the two clocks disagree by more than MAX_DRIFT_S. Never goes backwards.
    """

    def __init__(self) -> None:
        self._anchor: float | None = None
        self._last: datetime | None = None

    def at(self, media_time_s: float) -> datetime:
        """Event time of the frame at that media time, read off now."""
        now_s = time.time()
        if self._anchor is None or not 0 <= now_s - self._anchor - media_time_s <= MAX_DRIFT_S:
            self._anchor = now_s - media_time_s
        moment = datetime.fromtimestamp(round(self._anchor + media_time_s, 6), UTC)
        if self._last is not None and moment <= self._last:
            moment = self._last + timedelta(milliseconds=1)
        self._last = moment
        return moment
