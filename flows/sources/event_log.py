"""Bytewax source of the event log: events of some types, in order, each at least once."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from domain.errors import TryAgain
from domain.saved_state import Saved, StateFormat
from event_log.log import EventLog, LogReplaced
from event_log.place import LogPlace, why_not_here
from event_log.rows import LoggedEvent
from flows.signals import StopFlag
from flows.waking import AT_ONCE, PollTimer

log = structlog.get_logger()

# Epochs of the whole dataflow advance only while a source is awake, so no pause may be longer
POLL_S = 0.05
RETRY_S = 1.0  # between reads while the log cannot be read
GIVE_UP_AFTER_S = 60.0  # then the process ends and whoever watches it starts it again

# Bytewax cannot resume where a partition that has saved state is gone, so this name never changes
PARTITION = "event-log"


PLACE_FORMAT = StateFormat[LogPlace](LogPlace)


@dataclass(frozen=True, eq=False)
class EventLogSource(FixedPartitionedSource[LoggedEvent, Saved]):
    """Reads the log from where the recovery snapshot left off, or from the place that it holds itself."""

    log_path: Path
    types: Collection[str] | None  # None: events of all types
    stop: StopFlag  # when set, the source ends at once
    drain: StopFlag | None = None  # when set, it ends once the log has no more of them
    # events handed on at a time; small where each is slow to deal with, for `stop` is looked at between
    batch_size: int = 100
    beat: Callable[[], None] = lambda: None  # called at every look at the log: a sign of life
    # whether it sleeps between looks; False where another source of the flow does
    waits: bool = True
    # called before the flow's state is saved, see forewarn/storage/room_for_state.py
    before_saving: Callable[[], object] = lambda: None
    # number after which to read, of a consumer whose place is in the log; None: the snapshot has it
    begin: Callable[[EventLog], int] | None = None

    def list_parts(self) -> list[str]:
        return [PARTITION]

    def build_part(
        self, step_id: str, for_part: str, resume_state: Saved | None
    ) -> _EventLogPartition:
        event_log = EventLog.open(self.log_path)
        start = self.start_of(event_log)
        place = PLACE_FORMAT.restore(resume_state) if resume_state else start
        if reason := why_not_here(event_log, place):
            log.warning(
                "event log was replaced, reading it from its start",
                log=str(event_log.path),
                reason=reason,
            )
            place = start
        return _EventLogPartition(self, event_log, place)

    def start_of(self, event_log: EventLog) -> LogPlace:
        """Return where to begin in a log that was not read before."""
        return LogPlace(event_log.log_id, self.begin(event_log) if self.begin else 0)


class _EventLogPartition(StatefulSourcePartition[LoggedEvent, Saved]):
    def __init__(self, source: EventLogSource, event_log: EventLog, place: LogPlace) -> None:
        self._source = source
        self._log = event_log
        self._place = place
        self._rounds = PollTimer()
        self._failing_since: float | None = None
        self._retry_at = 0.0

    def next_batch(self) -> list[LoggedEvent]:
        source = self._source
        if source.waits:
            self._rounds.wait()
        source.beat()
        if source.stop.is_set():
            raise StopIteration
        if not self._rounds.is_due:
            return []
        if time.monotonic() < self._retry_at:
            self._rounds.rest(POLL_S)
            return []
        draining = source.drain is not None and source.drain.is_set()
        # before reading: what comes before the request is read
        try:
            page = self._log.read_page(self._place.seq, source.types, source.batch_size)
        except LogReplaced as error:
            log.warning("event log was replaced, reading it from its start", reason=str(error))
            source.before_saving()  # or its disk was unmounted, and comes back
            self._log.close()
            self._log = EventLog.open(self._log.path)
            self._place = source.start_of(self._log)
            return []
        except TryAgain as error:
            self._wait_for_the_log(error)
            return []
        self._failing_since = None
        event_id = page.scanned_id
        if page.scanned_to == self._place.seq:
            event_id = event_id or self._place.event_id
        self._place = LogPlace(self._log.log_id, page.scanned_to, event_id)
        if draining and page.is_last and not page.events:
            raise StopIteration
        self._rounds.rest(POLL_S if page.is_last else 0.0)
        return page.events

    def next_awake(self) -> datetime:
        return AT_ONCE  # it waits itself, see flows/waking.py

    def snapshot(self) -> Saved:
        self._source.before_saving()
        return PLACE_FORMAT.save(self._place)

    def close(self) -> None:
        self._log.close()

    def _wait_for_the_log(self, error: TryAgain) -> None:
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
            log.warning("event log cannot be read, trying again", reason=str(error))
        elif now - self._failing_since > GIVE_UP_AFTER_S:
            raise error
        self._retry_at = now + RETRY_S
        self._rounds.rest(POLL_S)
