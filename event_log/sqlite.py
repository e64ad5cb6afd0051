"""Open SQLite so that several processes share one log and nothing acknowledged is lost."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from domain.errors import NoRoom, Stop, TryAgain, is_disk_trouble

_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_PASSING = {
    sqlite3.SQLITE_BUSY: "another program holds it locked; try again in a moment",
    sqlite3.SQLITE_LOCKED: "another program holds it locked; try again in a moment",
    sqlite3.SQLITE_FULL: "the disk is full; make room",
    sqlite3.SQLITE_IOERR: "the disk gave an error; look at free space and the system's log",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; look at the folder's owner and permissions",
    sqlite3.SQLITE_READONLY: "it cannot be written; look at the file's owner and permissions",
    sqlite3.SQLITE_PERM: "it cannot be opened; look at the file's owner and permissions",
}


# of these, what the disk is to blame for
_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}


def open_engine(path: Path, busy_timeout_s: float) -> Engine:
    """Build an engine on one SQLite file in WAL mode, every commit flushed to the disk.

    Transactions begun with `writing(engine)` take SQLite's write lock at once: a transaction that
    first reads and then writes would otherwise fail, not wait, when another process wrote between.
    """
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": busy_timeout_s})

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself; _begin does
        _switch_to_wal(connection, busy_timeout_s)
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _switch_to_wal(connection: sqlite3.Connection, busy_timeout_s: float) -> None:
    # SQLite does not wait for the lock that this switch needs, so several programs that open a new
    # log in the same moment would see "database is locked"
    give_up_at = time.monotonic() + busy_timeout_s
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.02)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that may write; committed at the end, rolled back on an error."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def reraise_as_try_again(path: Path, wanted: str) -> Iterator[None]:
    """Turn database errors into the family that tells the caller what to do.

    Messages name the log's path and what was wanted, such as "append 3 events".

    Raises:
        TryAgain: locked, no permission, and other states that somebody may end.
        NoRoom: the disk is full, or cannot be written.
        Stop: the file is damaged, or is not an event log.
    """
    failed = f"event log {path}: could not {wanted}"
    try:
        yield
    except OSError as error:
        family = NoRoom if is_disk_trouble(error) else TryAgain
        raise family(f"{failed}: {error.strerror}") from error
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = _code(cause)
        if code in _BROKEN:
            raise Stop(
                f"{failed}: the file is damaged or is no SQLite database ({cause}); "
                "put a sound copy in its place or move it away"
            ) from error
        if code in _PASSING:
            family = NoRoom if code in _DISK else TryAgain
            raise family(f"{failed}: {_PASSING[code]} ({cause})") from error
        raise Stop(
            f"{failed}: {cause}; was the file made by another version or another program?"
        ) from error


def _code(error: BaseException | None) -> int:
    """Return SQLite's primary result code; extended codes carry it in their low byte."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
