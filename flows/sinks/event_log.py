"""Bytewax sink into the event log: each event of a dataflow is written once, replay or not."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import structlog
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from sqlalchemy import Connection

from domain.errors import NoRoom, TryAgain
from domain.events.catalog import Event
from domain.processes.backoff import Backoff
from event_log.log import EventLog, LogReplaced
from flows.put_aside import ends_program

log = structlog.get_logger()

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0

# Bytewax cannot resume where a partition that has saved state is gone, so this name never changes
PARTITION = "event-log"

Along = Callable[[EventLog, Connection], None]


class EventLogSink(FixedPartitionedSink[Event, None]):
    """Takes (key, Event); the key only routes and may be anything stable.

    A fixed-partitioned sink, not a dynamic one, because only its writes are part of the epoch that
    Bytewax commits. Events are flushed to the disk before the write returns, so a snapshot has
    nothing left to flush; an epoch that is replayed writes the same ids again, which the log
    ignores. While the log is locked, a write is tried for `give_up_after_s`; then the error ends the
    process, and the epoch is replayed at its next start. While its disk is full it is tried for as long as
    `wait_for_room` says: it may wait, and returns False where the program is asked to end. `along` is called in
    the transaction of each write: what it writes is there with the events, or not at all.
    """

    def __init__(
        self,
        log_path: Path,
        give_up_after_s: float = 20.0,
        wait_for_room: Callable[[], bool] | None = None,
        along: Along | None = None,
    ) -> None:
        self._log_path = log_path
        self._along = along
        self._give_up_after_s = give_up_after_s
        self._wait_for_room = wait_for_room

    def list_parts(self) -> list[str]:
        return [PARTITION]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> _EventLogPartition:
        return _EventLogPartition(
            EventLog.open(self._log_path), self._give_up_after_s, self._wait_for_room, self._along
        )


def appending_to(log_path: Path) -> Callable[[Event], None]:
    """Return what writes an event that comes seldom and beside the stream."""

    def append(event: Event) -> None:
        with EventLog.open(log_path) as event_log:
            event_log.append([event])

    return append


class _EventLogPartition(StatefulSinkPartition[Event, None]):
    def __init__(
        self,
        event_log: EventLog,
        give_up_after_s: float,
        wait_for_room: Callable[[], bool] | None,
        along: Along | None,
    ) -> None:
        self._log = event_log
        self._along = along
        self._give_up_after_s = give_up_after_s
        self._wait_for_room = wait_for_room

    def write_batch(self, values: list[Event]) -> None:
        try:
            self._append(values)
        except Exception as error:
            if ends_program(error):
                raise
            self._append_singly(values)  # one of them must not take the others with it

    def _append_singly(self, values: list[Event]) -> None:
        for event in values:
            try:
                self._append([event])
            except Exception as error:
                if ends_program(error):
                    raise
                log.exception("event not written", event_id=event.id, reason=str(error))

    def snapshot(self) -> None:
        return None

    def close(self) -> None:
        self._log.close()

    def _append(self, events: list[Event]) -> None:
        give_up_at = time.monotonic() + self._give_up_after_s
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        while True:
            try:
                self._write(events)
                return
            except LogReplaced as error:
                log.warning("event log was replaced, writing to the new one", reason=str(error))
                # or its disk was unmounted, and comes back
                if self._wait_for_room is not None and not self._wait_for_room():
                    raise
                self._log.close()
                self._log = EventLog.open(self._log.path)
                continue
            except TryAgain as error:
                waits = isinstance(error, NoRoom) and self._wait_for_room is not None
                if not waits and time.monotonic() + backoff.pause_s > give_up_at:
                    raise
                log.warning("event log cannot be written, trying again", reason=str(error))
                if waits and self._wait_for_room is not None and not self._wait_for_room():
                    raise
            time.sleep(backoff.next_s())

    def _write(self, events: list[Event]) -> None:
        if self._along is None:
            self._log.append(events)
            return
        with self._log.writing(f"append {len(events)} events") as connection:
            self._log.append_within(connection, events)
            self._along(self._log, connection)
