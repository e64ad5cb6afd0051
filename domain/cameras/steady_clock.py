"""A clock that nobody sets: frames are ordered by it, and the wall's time is an attribute of its moments.

It runs as CLOCK_BOOTTIME does, also while the machine sleeps, and began as the wall's time. Where the wall
clock is set, the two are apart from then on; by how much, and since when, is kept as stretches.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.cameras.clock_note import ClockNote, boot_s

# the wall follows its time server by less than this at once; more is a setting
STEP_S = 0.5
# a program looks at the wall's clock more often than this, so a setting was seen so late at most
SEEN_WITHIN = timedelta(seconds=1)
LONGEST_TABLE = 200
# the year 2500: what says a later time is damaged
LATEST_S = 1.67e10


@dataclass(frozen=True, slots=True)
class Stretch:
    """From when on the wall's clock is ahead of the steady one, and by how much."""

    since: datetime  # steady
    ahead_s: float  # negative: behind


class SteadyClock:
    """Tells steady time, and what the wall's clock said at a moment; safe for several threads."""

    def __init__(
        self,
        anchor_s: float | None = None,
        stretches: Sequence[Stretch] = (),
        *,
        boot_s: Callable[[], float] = boot_s,
        wall_s: Callable[[], float] = time.time,
        broken_at: datetime | None = None,
    ) -> None:
        """Begin as the wall's time, or go on.

        Args:
            anchor_s: steady time at the machine's start, as seconds since 1970; None: as the wall has it.
            stretches: what is known of the wall's clock, oldest first; () where anchor_s is None.
            boot_s: seconds since the machine was started.
            wall_s: the wall's clock.
            broken_at: nobody knows how long it was from what lies before until then.
        """
        self._boot_s, self._wall_s = boot_s, wall_s
        self.anchor_s = wall_s() - boot_s() if anchor_s is None else anchor_s
        self.broken_at = broken_at
        self._lock = threading.Lock()
        self._stretches = tuple(stretches) or (Stretch(self.now(), 0.0),)

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """Return what is known of the wall's clock, oldest first, after a look at it."""
        self.look()
        return self._stretches

    def look(self) -> None:
        """Notice a setting of the wall's clock; called several times a second by whoever asks `of_wall`."""
        ahead_s = self._wall_s() - self.anchor_s - self._boot_s()
        if abs(ahead_s - self._stretches[-1].ahead_s) > STEP_S:
            with self._lock:
                # once only: another thread may have seen it
                if abs(ahead_s - self._stretches[-1].ahead_s) > STEP_S:
                    new = Stretch(self.now(), round(ahead_s, 6))
                    self._stretches = (*self._stretches, new)[-LONGEST_TABLE:]

    def now(self) -> datetime:
        """Return steady time."""
        return datetime.fromtimestamp(round(self.anchor_s + self._boot_s(), 6), UTC)

    def wall(self, at: datetime) -> datetime:
        """Return what the wall's clock said at a moment of steady time."""
        known = self.stretches
        stretch = next((each for each in reversed(known) if each.since <= at), known[0])
        return at + timedelta(seconds=stretch.ahead_s) if stretch.ahead_s else at

    def of_wall(self, at: datetime) -> datetime:
        """Return the moment, no later than now, at which the wall's clock said `at`; the last of several."""
        until = self.now() + timedelta(seconds=STEP_S)
        for stretch in reversed(self.stretches):
            steady = at - timedelta(seconds=stretch.ahead_s)
            if stretch.since - SEEN_WITHIN <= steady <= until:
                return steady
            until = stretch.since
        # it was not seen to say so: it was set, said so, and only then was looked at again; or before all
        # that is known, or ahead of now
        known = self._stretches
        after = (each for each in known if at < each.since + timedelta(seconds=each.ahead_s))
        return at - timedelta(seconds=next(after, known[-1]).ahead_s)


class ClockFile(ClockNote[dict[str, Any]]):
    """Keeps a data folder's clock over restarts of the program and of the machine."""

    def open(self) -> SteadyClock:
        """Return the clock as all programs of this folder have it.

        In the same run of the machine it goes on exactly. After a start of the machine it goes on by the
        wall's clock; where that says less than before, the length of the pause is unknown (`broken_at`).

        Raises:
            OSError: the folder cannot be written.
        """
        with self._alone():
            known = self._read(_whole)
            if known is not None and known["boot_id"] == self._boot_id:
                clock = self._clock(float(known["anchor_s"]), known)
                # a machine that was put back to an earlier moment has the same name and an older time
                if clock.now() >= _moment(known["last_at"]) - timedelta(seconds=STEP_S):
                    return clock
            clock = SteadyClock(boot_s=self._boot_s, wall_s=self._wall_s)
            if known is not None:
                clock = self._after_a_start(known)
            self.save(clock)
            return clock

    def save(self, clock: SteadyClock) -> None:
        """Write how far the clock has come; OSError: the disk is full."""
        broken_at = clock.broken_at
        content = {
            "boot_id": self._boot_id,
            "anchor_s": clock.anchor_s,
            "last_at": clock.now().isoformat(),
            "broken_at": broken_at.isoformat() if broken_at else None,
            "stretches": [[each.since.isoformat(), each.ahead_s] for each in clock.stretches],
        }
        # not flushed: a write a second would wear the disk, and what a loss of power takes is made anew
        self._write(content, durable=False)

    def _after_a_start(self, known: dict[str, Any]) -> SteadyClock:
        last_at = _moment(known["last_at"])
        stretches = _stretches(known)
        steady_s = self._wall_s() - stretches[-1].ahead_s
        is_behind = steady_s < last_at.timestamp()
        if is_behind:
            steady_s = last_at.timestamp() + 1.0
        clock = self._clock(steady_s - self._boot_s(), known)
        if is_behind:
            clock.broken_at = datetime.fromtimestamp(steady_s, UTC)
        return clock

    def _clock(self, anchor_s: float, known: dict[str, Any]) -> SteadyClock:
        broken_at = known["broken_at"]
        return SteadyClock(
            anchor_s,
            _stretches(known),
            boot_s=self._boot_s,
            wall_s=self._wall_s,
            broken_at=_moment(broken_at) if broken_at else None,
        )


def _whole(known: Any) -> dict[str, Any] | None:
    """Return it where a clock can go on from it; raises what reading odd values raises."""
    rows = _stretches(known)
    moments = [_moment(known["last_at"]), *(each.since for each in rows)]
    if known["broken_at"] is not None:
        moments.append(_moment(known["broken_at"]))
    ahead_s = [abs(each.ahead_s) for each in rows]
    anchor_s = known["anchor_s"]
    is_whole = rows and isinstance(anchor_s, float) and isinstance(known["boot_id"], str)
    if is_whole and abs(anchor_s) < LATEST_S and max(ahead_s) < LATEST_S:
        whole: dict[str, Any] = known
        return whole if all(each.timestamp() < LATEST_S for each in moments) else None
    return None


def _stretches(known: dict[str, Any]) -> list[Stretch]:
    rows = known["stretches"]
    if not isinstance(rows, list):
        raise TypeError(f"needs a list, got {type(rows).__name__}")
    return [Stretch(_moment(since), float(ahead_s)) for since, ahead_s in rows]


def _moment(text: object) -> datetime:
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        raise ValueError(f"needs a zone, got {text}")
    return moment
