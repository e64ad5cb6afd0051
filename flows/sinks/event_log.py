"""The event log as a Bytewax sink: what a dataflow says is written once, replay or not."""

from __future__ import annotations

import time
from pathlib import Path

import structlog
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from domain.errors import PutAside, TryAgain
from domain.events import Event
from event_log.log import EventLog, LogReplaced

log = structlog.get_logger()

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0

# Bytewax cannot resume where a partition that has saved state is gone, so this name never changes
PARTITION = "event-log"


class EventLogSink(FixedPartitionedSink[Event, None]):
    """Takes (key, Event); the key only routes and may be anything stable.

    A fixed-partitioned sink, not a dynamic one, because only its writes are part of the epoch that
    Bytewax commits. Events are flushed to the disk before the write returns, so a snapshot has
    nothing left to flush; an epoch that is replayed writes the same ids again, which the log
    ignores.

    Args:
        give_up_after_s: how long a write is tried while the log is locked or its disk full. Then
            the error ends the process, and the epoch is replayed at its next start.
    """

    def __init__(self, log_path: Path, give_up_after_s: float = 20.0) -> None:
        self._log_path = log_path
        self._give_up_after_s = give_up_after_s

    def list_parts(self) -> list[str]:
        return [PARTITION]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> _EventLogPartition:
        return _EventLogPartition(EventLog.open(self._log_path), self._give_up_after_s)


class _EventLogPartition(StatefulSinkPartition[Event, None]):
    def __init__(self, event_log: EventLog, give_up_after_s: float) -> None:
        self._log = event_log
        self._give_up_after_s = give_up_after_s

    def write_batch(self, values: list[Event]) -> None:
        try:
            self._append(values)
        except PutAside:  # one of them cannot be written: it must not take the others with it
            for event in values:
                try:
                    self._append([event])
                except PutAside as error:
                    log.error("event not written", event_id=event.id, reason=str(error))

    def snapshot(self) -> None:
        return None

    def close(self) -> None:
        self._log.close()

    def _append(self, events: list[Event]) -> None:
        give_up_at = time.monotonic() + self._give_up_after_s
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                self._log.append(events)
                return
            except LogReplaced as error:
                log.warning("event log was replaced, writing to the new one", reason=str(error))
                self._log.close()
                self._log = EventLog.open(self._log.path)
                continue
            except TryAgain as error:
                if time.monotonic() + pause_s > give_up_at:
                    raise
                log.warning("event log cannot be written, trying again", reason=str(error))
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
