"""Keep how far each named consumer has come in the log's own file, committed with what it wrote there.

Where an older copy of the log takes its place, the places in it are those of that time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from domain.events.catalog import Event
from event_log.log import EventLog
from event_log.rows import as_text
from event_log.tables import CONSUMERS, EVENTS

ASKED_AT_ONCE = 50

_PLACE = select(CONSUMERS.c.seq).where(CONSUMERS.c.consumer == bindparam("name"))
_HAS = select(EVENTS.c.seq).where(EVENTS.c.id == bindparam("event_id"))


def place_of(connection: Connection, consumer: str) -> int | None:
    """Return the number up to which a consumer has come; None: it never began."""
    return connection.execute(_PLACE, {"name": consumer}).scalar_one_or_none()


def keep_place(connection: Connection, consumer: str, seq: int) -> None:
    """Note how far a consumer has come, in the transaction of what it made of it."""
    values = {"seq": seq, "committed_at": as_text(datetime.now(UTC))}
    if place_of(connection, consumer) is None:
        connection.execute(insert(CONSUMERS).values(consumer=consumer, **values))
    else:
        mine = CONSUMERS.c.consumer == consumer
        connection.execute(update(CONSUMERS).where(mine).values(**values))


class Answerer:
    """A consumer that answers each event of one type with an event, in any order.

    Its place is behind the last event up to which all are answered: of what comes after it, some may be.
    """

    def __init__(self, consumer: str, asks: str, answer_to: Callable[[Event], str]) -> None:
        """Describe it.

        Args:
            consumer: its name in the log.
            asks: type of the events that it answers.
            answer_to: gives the id of the event that answers one.
        """
        self.consumer = consumer
        self._asks = asks
        self._answer_to = answer_to

    def place(self, log: EventLog) -> int:
        """Return the number after which to read; raises what EventLog.read raises."""
        with log.reading(f"read the place of {self.consumer}") as connection:
            return place_of(connection, self.consumer) or 0

    def answer(self, log: EventLog, asked: Event) -> Event | None:
        """Return the event that answers one, None where it is not answered yet; raises as EventLog.find does."""
        logged = log.find(self._answer_to(asked))
        return logged.event if logged else None

    def keep_place(self, log: EventLog, connection: Connection) -> None:
        """Move the place past all that is answered, in the transaction that wrote answers."""
        began = place = place_of(connection, self.consumer) or 0
        is_answered, is_last = True, False
        while is_answered and not is_last:
            page = log.read_page_within(connection, place, (self._asks,), ASKED_AT_ONCE)
            is_last = page.is_last
            for asked in page.events:
                wanted = {"event_id": self._answer_to(asked.event)}
                is_answered = connection.execute(_HAS, wanted).first() is not None
                if not is_answered:
                    break
                place = asked.seq
            else:
                place = page.scanned_to
        if place > began:
            keep_place(connection, self.consumer, place)
