"""Watch the machine's clock: tell of each setting, and keep the steady clock over restarts."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import structlog

from domain.cameras.messages import trouble
from domain.cameras.steady_clock import ClockFile, SteadyClock, Stretch
from domain.data_dir import DataDir
from domain.errors import ForewarnError
from domain.events.catalog import ClockStepped, Event
from domain.ids import mint
from domain.processes.background_thread import BackgroundThread
from event_log.log import EventLog

log = structlog.get_logger()

LOOK_EVERY_S = 0.2
SAVE_EVERY_S = 1.0


def open_clock(data: DataDir, *, is_live: bool) -> SteadyClock:
    """Return the data folder's clock; of a run that only plays recordings one that nothing is counted by."""
    if not is_live:
        return SteadyClock()
    try:
        return ClockFile(data.clock).open()
    except OSError as error:  # a full disk: watching goes on
        log.warning("clock_not_kept", reason=str(error))
        return SteadyClock()


def looking_at(clock: SteadyClock, beat: Callable[[], None]) -> Callable[[], None]:
    """Return a beat that looks at the clock, for programs that have no keeper and ask of the wall's times.

    One that looked only when there was a call saw a setting an hour later, and took the call for an hour old.
    """

    def beat_and_look() -> None:
        beat()
        clock.look()

    return beat_and_look


class ClockKeeper(BackgroundThread):
    """Looks at the clock of a live run until it is stopped."""

    def __init__(self, clock: SteadyClock, data: DataDir, site_id: str) -> None:
        """Keep a clock that was opened from the data folder's file."""
        super().__init__("clock-keeper")
        self._clock = clock
        self._data = data
        self._file = ClockFile(data.clock)
        self._site_id = site_id
        self._told = 1  # what is known when a folder is new is no setting
        self._oldest = clock.stretches[0]

    def _run(self) -> None:
        save_at_s = 0.0
        while not self._stopping.wait(LOOK_EVERY_S):
            try:
                self.tell()
                if time.monotonic() >= save_at_s:
                    self._file.save(self._clock)
                    save_at_s = time.monotonic() + SAVE_EVERY_S
            except (ForewarnError, OSError) as error:  # a full disk, a busy log: tried again
                log.debug("clock_not_kept", reason=str(error))

    def tell(self) -> None:
        """Write an event for each setting of the clock; one that the log has is written once.

        Raises:
            TryAgain, Stop: the log cannot be written.
        """
        known = self._clock.stretches
        if known[0] != self._oldest:  # the table is full: the oldest of it went
            self._oldest, self._told = known[0], 1
        if len(known) <= self._told:
            return
        pairs = list(pairwise(known))
        events = [stepped(self._site_id, before, after) for before, after in pairs]
        with EventLog.open(self._data.events_db) as events_log:
            events_log.append(events)
        for event in events[self._told - 1 :]:
            log.warning("clock_stepped", step_s=event.data.step_s, at=event.time.isoformat())
        self._told = len(known)


def stepped(site_id: str, before: Stretch, after: Stretch) -> Event[ClockStepped]:
    """Make the event of one setting of the clock."""
    step_s = round(after.ahead_s - before.ahead_s, 3)
    words = trouble("clock_stepped", step_s=step_s)
    from_at = after.since + timedelta(seconds=before.ahead_s)
    to_at = after.since + timedelta(seconds=after.ahead_s)
    data = ClockStepped(
        site_id=site_id,
        from_at=from_at,
        to_at=to_at,
        step_s=step_s,
        steady_at=after.since,
        reason=words.en,
        reason_zh=words.zh,
    )
    event_id = mint("evt", data.event_type, site_id, after.since)
    return Event(event_id, f"forewarn/{site_id}/clock", site_id, to_at, data)
