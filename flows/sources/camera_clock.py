"""Give a camera's frames their event time: a file has its own clock, a live stream the steady one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from domain.site.cameras import event_time

# later than this for good: the stream stood still, and its frames are not late
MOST_LAG_S = 2.0
# a stream's own clock that is further ahead than this has jumped (camera rebooted, pts wrapped)
JUMP_S = 0.5
# how long lateness is looked at before anything is concluded from it
LOOK_S = 2.5
# of the seconds that pass, so many at most make up for a stream whose clock runs slow
SLEW = 0.01
# lateness that shrinks is a burst: what was held up comes in
SHRINKS_S = 0.25
AT_LEAST = timedelta(milliseconds=1)


class FileClock:
    """Footage played from a file: the start of the file plus media time, whatever the pace."""

    def __init__(self, starts_at: datetime) -> None:
        self._starts_at = starts_at.astimezone(UTC)

    def at(self, media_time_s: float) -> datetime:
        """Return event time of the frame at that media time."""
        return event_time(self._starts_at, media_time_s)


class LiveClock:
    """A live stream: the stream's own spacing, anchored on the steady clock.

    Arrival times jitter by the network's queue; the stream's timestamps do not. So frames are
    stamped by their distance from the one that was least delayed (none can have been taken
    after it arrived). A late frame stays where the stream has it: after a hiccup of the network,
    what was held up comes in a burst, and nothing was lost. Anchored anew, the elapsed time after the
    frame before, where the stream's timestamps jump; and where frames stay late and no burst makes up
    for it. Never goes backwards.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Begin with no frame; `now` is steady time."""
        self._now = now
        self._anchor_s = 0.0  # steady time of media time 0
        self._media_s: float | None = None  # of the last frame; None: the next one anchors
        self._arrived_s = 0.0
        self._last: datetime | None = None
        self._look_until_s = 0.0
        self._least_s = [0.0, 0.0]  # lateness in the look before, and in this one
        self._slew_s = 0.0  # still to be made up for

    def begin_anew(self) -> None:
        """Forget the stream's timestamps: it was opened again."""
        self._media_s = None

    def at(self, media_time_s: float) -> datetime:
        """Return event time of the frame at that media time, read off now."""
        now_s = self._now().timestamp()
        self._place(media_time_s, now_s)
        self._media_s, self._arrived_s = media_time_s, now_s
        moment = datetime.fromtimestamp(round(self._anchor_s + media_time_s, 6), UTC)
        if self._last is not None and moment <= self._last:
            moment = self._last + AT_LEAST
        self._last = moment
        return moment

    def _place(self, media_s: float, now_s: float) -> None:
        if self._media_s is None:
            self._anchor(media_s, now_s, now_s)
            return
        lag_s = now_s - self._anchor_s - media_s
        if media_s <= self._media_s or lag_s < -JUMP_S:
            before_s = self._anchor_s + self._media_s
            self._anchor(media_s, min(now_s, before_s + now_s - self._arrived_s), now_s)
        elif lag_s < 0:  # less delayed than any before
            self._anchor(media_s, now_s, now_s)
        else:
            self._judge(lag_s, now_s, media_s - self._media_s)

    def _judge(self, lag_s: float, now_s: float, passed_s: float) -> None:
        """Tell a stream that stood still, or runs slow, from one that was only held up."""
        self._least_s[1] = min(self._least_s[1], lag_s)
        if now_s >= self._look_until_s:
            before_s, least_s = self._least_s
            late_s, is_burst = min(before_s, least_s), before_s - least_s >= SHRINKS_S
            self._slew_s = 0.0 if is_burst else late_s
            if late_s > MOST_LAG_S and not is_burst:
                self._anchor_s += late_s
                self._slew_s, least_s, lag_s = 0.0, least_s - late_s, lag_s - late_s
            self._begin_look(least_s, lag_s, now_s)
        made_up_s = min(self._slew_s, SLEW * passed_s, lag_s)
        self._anchor_s += made_up_s
        self._slew_s -= made_up_s

    def _anchor(self, media_s: float, at_s: float, now_s: float) -> None:
        self._anchor_s = at_s - media_s
        self._slew_s = 0.0
        self._begin_look(now_s - at_s, now_s - at_s, now_s)

    def _begin_look(self, before_s: float, lag_s: float, now_s: float) -> None:
        self._look_until_s = now_s + LOOK_S
        self._least_s = [before_s, lag_s]
