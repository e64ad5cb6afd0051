"""Errors of the database become the family that says what to do, and writes are durable."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from domain.errors import ForewarnError, Stop, TryAgain
from event_log.sqlite import open_engine, reraise_as_try_again, writing


def error_with(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("words of SQLite")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "family", "words"),
    [
        (sqlite3.SQLITE_BUSY, TryAgain, "another program holds it locked"),
        (sqlite3.SQLITE_LOCKED, TryAgain, "another program holds it locked"),
        (sqlite3.SQLITE_FULL, TryAgain, "the disk is full"),
        (sqlite3.SQLITE_IOERR, TryAgain, "the disk gave an error"),
        (sqlite3.SQLITE_CANTOPEN, TryAgain, "cannot be opened"),
        (sqlite3.SQLITE_READONLY, TryAgain, "cannot be written"),
        (sqlite3.SQLITE_PERM, TryAgain, "cannot be opened"),
        (sqlite3.SQLITE_IOERR | (3 << 8), TryAgain, "the disk gave an error"),  # an extended code
        (sqlite3.SQLITE_CORRUPT, Stop, "the file is damaged"),
        (sqlite3.SQLITE_NOTADB, Stop, "the file is damaged"),
        (sqlite3.SQLITE_ERROR, Stop, "another version or another program"),
    ],
)
def test_an_error_says_what_was_wanted_of_which_log_and_what_to_do(
    code: int, family: type[ForewarnError], words: str
) -> None:
    wanted = r"event log /x/events\.sqlite: could not append 3 events: "
    with (
        pytest.raises(family, match=wanted) as caught,
        reraise_as_try_again(Path("/x/events.sqlite"), "append 3 events"),
    ):
        raise error_with(code)
    assert words in str(caught.value) and "words of SQLite" in str(caught.value)


def test_an_error_of_the_folder_may_pass_and_others_go_through() -> None:
    with pytest.raises(TryAgain, match="No such"), reraise_as_try_again(Path("x"), "open it"):
        raise FileNotFoundError(2, "No such file or directory")
    with pytest.raises(ZeroDivisionError), reraise_as_try_again(Path("x"), "open it"):
        raise ZeroDivisionError


def test_every_commit_is_flushed_and_readers_do_not_wait_for_writers(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "log.sqlite", 1.0)
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    with writing(engine) as writer:
        writer.execute(text("INSERT INTO t VALUES (1)"))
        with engine.begin() as reader:
            assert reader.execute(text("SELECT count(*) FROM t")).scalar() == 0
    engine.dispose()


def test_an_error_within_a_transaction_leaves_nothing_behind(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "log.sqlite", 1.0)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    with pytest.raises(ZeroDivisionError), writing(engine) as connection:
        connection.execute(text("INSERT INTO t VALUES (1)"))
        raise ZeroDivisionError
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM t")).scalar() == 0
    engine.dispose()


def test_a_transaction_that_writes_takes_the_lock_at_once(tmp_path: Path) -> None:
    first, second = (open_engine(tmp_path / "log.sqlite", 0.1) for _ in range(2))
    with (
        writing(first),
        pytest.raises(TryAgain, match="holds it locked"),
        reraise_as_try_again(tmp_path, "write"),
        writing(second),
    ):
        pytest.fail("two write at once")
    first.dispose()
    second.dispose()
