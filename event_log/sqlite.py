"""How SQLite is opened so that several processes share one log and nothing acknowledged is lost."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from domain.errors import Stop, TryAgain

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
    """A transaction that may write; committed at the end, rolled back on an error."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def saying_what_failed(path: Path, wanted: str) -> Iterator[None]:
    """Turn database errors into the family that tells the caller what to do.

    Args:
        wanted: what was being done, such as "append 3 events".
    Raises:
        TryAgain: locked, disk full, no permission, and other states that somebody may end.
        Stop: the file is damaged, or is not an event log.
    """
    try:
        yield
    except OSError as error:
        raise TryAgain(f"event log {path}: could not {wanted}: {error.strerror}") from error
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = _code(cause)
        if code in _BROKEN:
            raise Stop(
                f"event log {path}: could not {wanted}: the file is damaged or is no SQLite "
                f"database ({cause}); put a sound copy in its place or move it away"
            ) from error
        if code in _PASSING:
            raise TryAgain(
                f"event log {path}: could not {wanted}: {_PASSING[code]} ({cause})"
            ) from error
        raise Stop(
            f"event log {path}: could not {wanted}: {cause}; "
            "was the file made by another version or another program?"
        ) from error


def _code(error: BaseException | None) -> int:
    """SQLite's primary result code; extended codes carry it in their low byte."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
