"""Keep events in a durable log: append only, shared by several processes, read by number."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import structlog
from sqlalchemy import (
    Connection,
    Engine,
    RowMapping,
    func,
    insert,
    inspect,
    select,
)

from domain.errors import PutAside, TryAgain
from domain.events.catalog import Event
from domain.files import file_identity
from event_log.row_chain import (
    LogHead,
    fault_of_row,
    has_chain,
    highest_given,
    insert_rows,
    read_head,
)
from event_log.row_statements import (
    AS_GIVEN,
    CHAINED_SINCE,
    LINKED,
    NEWEST,
    UNLINKED,
    RowStatements,
)
from event_log.rows import LoggedEvent, as_text, from_row, to_row
from event_log.sqlite import open_engine, reraise_as_try_again, writing
from event_log.tables import ABOUT, CHAIN, EVENTS, METADATA

log = structlog.get_logger()

IDS_AT_ONCE = 500  # SQLite takes 999 variables in a statement where it is old
LARGEST_SEQ = 2**63 - 1  # of SQLite

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """Hold some events, and how far the log was looked through for them."""

    events: list[LoggedEvent]
    scanned_to: int  # no wanted event up to here is missing from `events`: read on after it
    is_last: bool  # nothing more that was wanted stood in the log at that moment
    scanned_id: str = ""  # of the event with the number `scanned_to`; "": it is not there


class LogReplaced(TryAgain):
    """Say that the file was removed or replaced while it was open: nobody reads what is written to it."""


class EventLog:
    """Hold events in the order of writing; each id is written once.

    Any number of processes may write and read at once. When `append` returns, the events survive
    kill -9 and loss of power. Numbers appear in order: once a reader has seen seq 7, no smaller
    one is added. (SQLite has one writer at a time; a PostgreSQL log has to lock its table while
    it appends to keep this promise.)
    """

    def __init__(self, engine: Engine, path: Path, log_id: str) -> None:
        self._engine = engine
        self.path = path
        self.log_id = log_id  # changes when the file is replaced by a new log
        self._reported: set[int] = set()
        self._file = file_identity(path)
        self._has_chain = False  # known only once something was written
        # the first row that is chained; 0: none is, as far as it was looked
        self._chained_since = 0

    @classmethod
    def open(cls, path: Path, busy_timeout_s: float = 10.0) -> Self:
        """Open the log, making it (and its folder) where there is none.

        A call waits `busy_timeout_s` at most for another process's write.

        Raises:
            TryAgain: locked, disk full, no permission.
            Stop: the file is damaged or no event log.
        """
        with reraise_as_try_again(path, "open it"):
            path.parent.mkdir(parents=True, exist_ok=True)
            engine = open_engine(path, busy_timeout_s)
            try:
                log_id = _prepare(engine)
            except BaseException:
                engine.dispose()
                raise
        return cls(engine, path, log_id)

    def append(self, events: Sequence[Event]) -> int:
        """Write the events whose ids are not in the log yet, all or none, and flush to the disk.

        An id that is there already keeps its first content; where the content differs, a warning
        is logged.

        Returns:
            How many were newly written.
        Raises:
            PutAside: an event could not be read back if it were written; none was.
            TryAgain: locked, disk full, no permission.
            LogReplaced: the file was removed; open the log again and repeat.
            Stop: the file is damaged.
        """
        if not events:
            return 0
        rows = _as_rows(events)
        with self.writing(f"append {len(events)} events") as connection:
            written = self._insert(connection, rows)
        self._has_chain = self._has_chain or bool(written)
        return written

    def append_within(self, connection: Connection, events: Sequence[Event]) -> int:
        """Append as `append` does, in a transaction of `writing` that does more than that."""
        return self._insert(connection, _as_rows(events))

    def _insert(self, connection: Connection, rows: dict[str, Row]) -> int:
        stored = _stored(connection, list(rows))
        new = [row for id_, row in rows.items() if id_ not in stored]
        if new:
            recorded_at = as_text(datetime.now(UTC))
            if not self._has_chain:
                CHAIN.create(connection, checkfirst=True)
            insert_rows(
                connection, self.log_id, [{**row, "recorded_at": recorded_at} for row in new]
            )
        _warn_of([id_ for id_, row in stored.items() if row != rows[id_]])
        return len(new)

    def read(
        self, after_seq: int = 0, types: Collection[str] | None = None, limit: int = 500
    ) -> list[LoggedEvent]:
        """Read at most `limit` events (1 or more) with seq > after_seq, in order; [] only at the log's end.

        Where `types` is None, all types are wanted.
        """
        page = self.read_page(after_seq, types, limit)
        while not page.events and not page.is_last:  # rows that cannot be read filled the page
            page = self.read_page(page.scanned_to, types, limit)
        return page.events

    def read_page(
        self, after_seq: int = 0, types: Collection[str] | None = None, limit: int = 500
    ) -> Page:
        """Read as `read` does, and say how far the log was looked through.

        A row that cannot be read (written by a newer version), and one that forewarn did not write so, is
        passed over with a warning, once for each open log: what becomes evidence has to stay in the chain.

        Raises:
            TryAgain: locked, no permission.
            Stop: the file is damaged.
        """
        with self.reading(f"read after {after_seq}") as connection:
            return self.read_page_within(connection, after_seq, types, limit)

    def read_page_within(
        self,
        connection: Connection,
        after_seq: int,
        types: Collection[str] | None = None,
        limit: int = 500,
    ) -> Page:
        """Read as `read_page` does, in a transaction that is open already."""
        bounds: dict[str, Any] = {"after_seq": after_seq, "most": limit}
        if types is not None:
            bounds["types"] = sorted(types)
        newest, newest_id = connection.execute(NEWEST).one_or_none() or (0, "")
        if newest <= after_seq:
            return Page([], after_seq, True, newest_id if newest == after_seq else "")
        ask = self._statements(connection)
        page = ask.page if types is None else ask.page_of_types
        found = list(connection.execute(page, bounds).mappings())
        is_last = len(found) < limit
        if not is_last:
            newest, newest_id = int(found[-1]["seq"]), str(found[-1]["id"])
        return Page(self._all_readable(found), newest, is_last, newest_id)

    def find(self, event_id: str) -> LoggedEvent | None:
        """Find the event of that id; None if it is not in the log (or cannot be read)."""
        with self.reading(f"find {event_id}") as connection:
            wanted = self._statements(connection).of_id
            row = connection.execute(wanted, {"event_id": event_id}).mappings().one_or_none()
        return None if row is None else self._readable(dict(row))

    def about(self, subject: str) -> list[LoggedEvent]:
        """Read all events about one subject (an offence, say), in order; [] where there are none."""
        with self.reading(f"read about {subject}") as connection:
            wanted = self._statements(connection).about_subject
            rows = list(connection.execute(wanted, {"subject": subject}).mappings())
        return self._all_readable(rows)

    def last_seq(self) -> int:
        """Return the number of the newest event; 0 while the log is empty."""
        with self.reading("read the last number") as connection:
            return connection.execute(select(func.max(EVENTS.c.seq))).scalar() or 0

    def highest_seq(self) -> int:
        """Return the highest number that was ever given, also to an event that was deleted since."""
        with self.reading("read the highest number") as connection:
            return highest_given(connection)

    def head(self) -> LogHead | None:
        """Return the newest link of the chain of rows; None: no row is chained yet."""
        with self.reading("read the head of its chain") as connection:
            return read_head(connection, self.log_id)

    def id_at(self, seq: int) -> str:
        """Return the id of the event with that number; "" where there is none (any more)."""
        if seq > LARGEST_SEQ:
            return ""
        wanted = select(EVENTS.c.id).where(EVENTS.c.seq == seq)
        with self.reading(f"read the id of {seq}") as connection:
            return connection.execute(wanted).scalar_one_or_none() or ""

    def count_by_type(self) -> dict[str, int]:
        """Count the events of each type; types without any are left out."""
        counted = select(EVENTS.c.type, func.count()).group_by(EVENTS.c.type)
        with self.reading("count its events") as connection:
            rows = connection.execute(counted.order_by(EVENTS.c.type)).all()
        return {row[0]: row[1] for row in rows}

    def close(self) -> None:
        """Give the file back; an open log that is simply dropped loses nothing either."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def reading(self, wanted: str) -> Iterator[Connection]:
        """Open a transaction that sees one moment of the log; errors say that `wanted` failed."""
        self._check_in_place(wanted)
        with reraise_as_try_again(self.path, wanted), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self, wanted: str) -> Iterator[Connection]:
        """Open a transaction that may write; when it ends without an error it is on the disk."""
        self._check_in_place(wanted)
        with reraise_as_try_again(self.path, wanted), writing(self._engine) as connection:
            yield connection
        # SQLite goes on writing to a file that was deleted, and calls it a success
        self._check_in_place(wanted)

    def _check_in_place(self, wanted: str) -> None:
        if file_identity(self.path) != self._file:
            raise LogReplaced(
                f"event log {self.path}: could not {wanted}: the file was removed or replaced "
                "while it was open; open it again"
            )

    def _statements(self, connection: Connection) -> RowStatements:
        """Return the statements that read rows of this log, and look from which row on it is chained."""
        if not self._chained_since:
            if not has_chain(connection):
                return UNLINKED
            self._chained_since = connection.execute(CHAINED_SINCE).scalar() or 0
        return LINKED

    def _all_readable(self, rows: Sequence[RowMapping]) -> list[LoggedEvent]:
        readable = (self._readable(dict(row)) for row in rows)
        return [logged for logged in readable if logged is not None]

    def _readable(self, row: dict[str, object]) -> LoggedEvent | None:
        try:
            if fault := fault_of_row(row, self._chained_since):
                raise PutAside(f"row {row['seq']} of {row['type']}: {fault}")
            return from_row(row)
        except PutAside as error:
            seq = int(str(row["seq"]))
            if seq not in self._reported:
                self._reported.add(seq)
                log.warning("event passed over", seq=seq, reason=str(error), log=str(self.path))
            return None


def _as_rows(events: Sequence[Event]) -> dict[str, Row]:
    """Build the rows of events by their ids; of an id that comes twice the first."""
    rows: dict[str, Row] = {}
    for event in events:
        row = to_row(event)
        if rows.setdefault(event.id, row) != row:
            _warn_of([event.id])
    return rows


def _warn_of(conflicts: Sequence[str]) -> None:
    if conflicts:
        log.warning(
            "same event id with other content ignored", count=len(conflicts), ids=conflicts[:5]
        )


def _prepare(engine: Engine) -> str:
    """Make what is missing of the tables; return the log's own id."""
    with engine.begin() as connection:  # the usual case needs no write lock
        log_id = _log_id(connection)
    if log_id is not None:
        return log_id
    with writing(engine) as connection:
        METADATA.create_all(connection)
        log_id = _log_id(connection)
        if log_id is None:
            log_id = uuid.uuid4().hex
            connection.execute(insert(ABOUT).values(name="log_id", value=log_id))
        return log_id


def _log_id(connection: Connection) -> str | None:
    if not inspect(connection).has_table(ABOUT.name):
        return None
    wanted = select(ABOUT.c.value).where(ABOUT.c.name == "log_id")
    log_id = connection.execute(wanted).scalar_one_or_none()
    return None if log_id is None else str(log_id)


def _stored(connection: Connection, ids: Sequence[str]) -> dict[str, Row]:
    """Read the rows of those ids that are in the log, without what the log itself added."""
    found: dict[str, Row] = {}
    for start in range(0, len(ids), IDS_AT_ONCE):
        asked = {"event_ids": ids[start : start + IDS_AT_ONCE]}
        for row in connection.execute(AS_GIVEN, asked).mappings():
            found[row["id"]] = {str(name): value for name, value in row.items()}
    return found
