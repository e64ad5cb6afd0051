"""The event log as a Bytewax source: events of some types, in order, each at least once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from domain.errors import TryAgain
from event_log.log import EventLog, LogReplaced
from event_log.rows import LoggedEvent

log = structlog.get_logger()

# Epochs of the whole dataflow advance only while a source is awake, so no pause may be longer
POLL_S = 0.05
RETRY_S = 1.0  # between reads while the log cannot be read
GIVE_UP_AFTER_S = 60.0  # then the process ends and whoever watches it starts it again

# Bytewax cannot resume where a partition that has saved state is gone, so this name never changes
PARTITION = "event-log"

Place = tuple[str, int]  # which log, and the number up to which it was looked through


class EventLogSource(FixedPartitionedSource[LoggedEvent, Place]):
    """Reads the log from where the recovery snapshot left off.

    Args:
        types: event types wanted; None: all.
        stop: when set, the source ends at once.
        drain: when set, the source ends as soon as the log has nothing more of those types.
        batch_size: events handed on at a time; small where each is slow to deal with, since `stop`
            is looked at between batches.
        beat: called at every look at the log: a sign of life.
    """

    def __init__(
        self,
        log_path: Path,
        types: Collection[str] | None,
        stop: threading.Event,
        drain: threading.Event | None = None,
        batch_size: int = 100,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._log_path = log_path
        self._types = None if types is None else frozenset(types)
        self._stop = stop
        self._drain = drain or threading.Event()
        self._batch_size = batch_size
        self._beat = beat

    def list_parts(self) -> list[str]:
        return [PARTITION]

    def build_part(
        self, step_id: str, for_part: str, resume_state: Place | None
    ) -> _EventLogPartition:
        event_log = EventLog.open(self._log_path)
        log_id, seq = resume_state or (event_log.log_id, 0)
        if log_id != event_log.log_id:
            log.warning(
                "event log was replaced, reading it from its start", log=str(event_log.path)
            )
            seq = 0
        return _EventLogPartition(
            event_log, seq, self._types, self._stop, self._drain, self._batch_size, self._beat
        )


class _EventLogPartition(StatefulSourcePartition[LoggedEvent, Place]):
    def __init__(
        self,
        event_log: EventLog,
        seq: int,
        types: frozenset[str] | None,
        stop: threading.Event,
        drain: threading.Event,
        batch_size: int,
        beat: Callable[[], None],
    ) -> None:
        self._log = event_log
        self._seq = seq
        self._types = types
        self._stop = stop
        self._drain = drain
        self._batch_size = batch_size
        self._beat = beat
        self._awake_at = datetime.now(UTC)
        self._failing_since: float | None = None
        self._retry_at = 0.0

    def next_batch(self) -> list[LoggedEvent]:
        self._beat()
        if self._stop.is_set():
            raise StopIteration
        if time.monotonic() < self._retry_at:
            self._sleep(POLL_S)
            return []
        draining = self._drain.is_set()  # before reading: what comes before the request is read
        try:
            page = self._log.read_page(self._seq, self._types, self._batch_size)
        except LogReplaced as error:
            log.warning("event log was replaced, reading it from its start", reason=str(error))
            self._log.close()
            self._log, self._seq = EventLog.open(self._log.path), 0
            return []
        except TryAgain as error:
            self._wait_for_the_log(error)
            return []
        self._failing_since = None
        self._seq = page.scanned_to
        if draining and page.is_last and not page.events:
            raise StopIteration
        self._sleep(POLL_S if page.is_last else 0.0)
        return page.events

    def next_awake(self) -> datetime:
        return self._awake_at

    def snapshot(self) -> Place:
        return self._log.log_id, self._seq

    def close(self) -> None:
        self._log.close()

    def _sleep(self, pause_s: float) -> None:
        self._awake_at = datetime.now(UTC) + timedelta(seconds=pause_s)

    def _wait_for_the_log(self, error: TryAgain) -> None:
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
            log.warning("event log cannot be read, trying again", reason=str(error))
        elif now - self._failing_since > GIVE_UP_AFTER_S:
            raise error
        self._retry_at = now + RETRY_S
        self._sleep(POLL_S)
