"""Remember how far each named consumer of the event log has come, beside the events."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import insert, select, update

from event_log.log import EventLog
from event_log.rows import as_text
from event_log.tables import CONSUMERS


class Consumers:
    """Keep offsets by consumer name; committed after the work, a crash repeats and never skips.

    >>> # for event in log.read(consumers.offset("mailer"), types): send(event)
    >>> # consumers.commit("mailer", event.seq)
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log

    def offset(self, consumer: str) -> int:
        """Return the number of the last event that the consumer is done with; 0 before the first."""
        with self._log.reading(f"read the place of {consumer!r}") as connection:
            wanted = select(CONSUMERS.c.seq).where(CONSUMERS.c.consumer == consumer)
            return connection.execute(wanted).scalar_one_or_none() or 0

    def commit(self, consumer: str, seq: int) -> None:
        """Record that everything up to `seq` is done; a smaller number changes nothing."""
        place = {"seq": seq, "committed_at": as_text(datetime.now(UTC))}
        with self._log.writing(f"commit {seq} for {consumer!r}") as connection:
            mine = CONSUMERS.c.consumer == consumer
            known = connection.execute(select(CONSUMERS.c.seq).where(mine)).scalar_one_or_none()
            if known is None:
                connection.execute(insert(CONSUMERS).values(consumer=consumer, **place))
            elif known < seq:
                connection.execute(update(CONSUMERS).where(mine).values(**place))

    def all(self) -> dict[str, int]:
        """Return every consumer's offset by name."""
        with self._log.reading("read its consumers") as connection:
            ordered = select(CONSUMERS.c.consumer, CONSUMERS.c.seq).order_by(CONSUMERS.c.consumer)
            return {row[0]: row[1] for row in connection.execute(ordered)}
