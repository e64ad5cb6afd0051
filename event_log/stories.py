"""Read what events are about, and forget those whose time is over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select, text

from event_log.log import EventLog
from event_log.row_chain import drop_salts
from event_log.rows import as_text
from event_log.tables import EVENTS

AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Heading:
    """Say what an event is about, without its data: these are read ten times as fast."""

    seq: int
    event_id: str
    type: str
    subject: str
    time: datetime


def headings(
    log: EventLog,
    types: Collection[str] | None = None,
    after_seq: int = 0,
    recorded_before: datetime | None = None,
) -> list[Heading]:
    """Read the headings of events with seq > after_seq, in the order of writing; types None: of all.

    Those `recorded_before` are the ones that the log took before; what footage says of its time may be
    years older.

    Raises:
        TryAgain, Stop: as EventLog.read.
    """
    columns = (EVENTS.c.seq, EVENTS.c.id, EVENTS.c.type, EVENTS.c.subject, EVENTS.c.time)
    wanted = select(*columns)
    wanted = wanted.where(EVENTS.c.seq > after_seq)
    if types is not None:
        wanted = wanted.where(EVENTS.c.type.in_(sorted(types)))
    if recorded_before is not None:
        wanted = wanted.where(EVENTS.c.recorded_at < as_text(recorded_before))
    with log.reading("read what its events are about") as connection:
        rows = connection.execute(wanted.order_by(EVENTS.c.seq)).all()
    return [Heading(*row[:4], datetime.fromisoformat(row[4])) for row in rows]


def forget(log: EventLog, seqs: Sequence[int]) -> int:
    """Delete events and their bytes, and return how many there were; numbers are never given again.

    Whoever asks has it on record: the digests that stay would else tell of rows that somebody removed.
    """
    gone = 0
    for start in range(0, len(seqs), AT_ONCE):
        with log.writing("forget events") as connection:
            # else the bytes stay in pages that are merely marked as free
            connection.execute(text("PRAGMA secure_delete=ON"))
            some = seqs[start : start + AT_ONCE]
            drop_salts(connection, some)
            gone += connection.execute(delete(EVENTS).where(EVENTS.c.seq.in_(some))).rowcount
    empty_journal(log)
    return gone


def seqs_about(log: EventLog, names: Collection[str]) -> list[int]:
    """Find the numbers of the events whose subject is one of some ids, or whose data name one."""
    if not names:
        return []
    mentions = [EVENTS.c.data.contains(f'"{name}"', autoescape=True) for name in sorted(names)]
    wanted = select(EVENTS.c.seq).where(or_(EVENTS.c.subject.in_(sorted(names)), *mentions))
    with log.reading("look for a story") as connection:
        return [row[0] for row in connection.execute(wanted)]


def empty_journal(log: EventLog) -> None:
    """Empty the write-ahead journal, which keeps old pages; a reader puts that off to the next call."""
    with log.reading("empty its journal") as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        connection.commit()
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
