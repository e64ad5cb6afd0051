"""Keep a flow's recovery store usable: make it, check it before Bytewax opens it, set a bad one aside.

Bytewax panics over a damaged store, and would do so at every start. A store of another version is read
by nobody either. Both are renamed, not deleted, and the program begins without one: what it did stands in
the event log.
"""

from __future__ import annotations

import os
import pickle
import pickletools
import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog
from bytewax.recovery import init_db_dir

from domain.errors import TryAgain
from domain.saved_state import Formats, StateUnusable

log = structlog.get_logger()

# one process is one worker; more cameras are more processes, each with a store of its own
PARTITIONS = 1
PARTITION_FILE = "part-0.sqlite3"
REASON_FILE = "why-set-aside.txt"  # in a store that was set aside: one sentence for people
SET_ASIDE = ".set-aside-"
DAMAGED = "its file is damaged"
# deaths in a row, each before anything was saved, that put a store under suspicion
FAILED_STARTS = 3
# ERROR is a missing table; with all other codes the file may be whole, and somebody has to look at the machine
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
# all that a pickled dict of strings and whole numbers needs; nothing here names a class or asks for memory
_PLAIN_OPCODES = {
    *("PROTO", "FRAME", "STOP", "MARK", "NONE", "EMPTY_DICT", "SETITEMS", "MEMOIZE"),
    *("BININT", "BININT1", "BININT2"),
    *("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
}


def ready_store(store: Path, flow_id: str, formats: Formats, afresh: str) -> None:
    """Leave a store at `store` that Bytewax can open, with the saved state in it if that is usable.

    Args:
        store: the folder.
        flow_id: as the flow names itself.
        formats: how each step's state is read.
        afresh: for people: how the program begins without what it had saved.
    Raises:
        TryAgain: the store cannot be read or made, and it is not known to be damaged.
    """
    # a link that leads nowhere is there, too
    if os.path.lexists(store):
        try:
            check_store(store, flow_id, formats)
        except StateUnusable as error:
            set_aside(store, flow_id, str(error), afresh, error.__cause__)
    if not store.exists():
        _make_store(store)


def check_store(store: Path, flow_id: str, formats: Formats) -> None:
    """Read all that the store holds, as Bytewax and the flow's steps will.

    Raises:
        StateUnusable: it is damaged, or of another version.
        TryAgain: it cannot be read just now.
    """
    path = store / PARTITION_FILE
    try:
        if not path.is_file() or not path.stat().st_size:
            raise StateUnusable(f"{PARTITION_FILE} is missing or empty")
        with closing(sqlite3.connect(path)) as database:
            snapshots = _read(database)
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        # no code: what it holds is no text
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
        if isinstance(error, OSError) or code & 0xFF not in _DAMAGE:
            raise TryAgain(f"{path}: saved state cannot be read: {error}") from error
        raise StateUnusable(DAMAGED) from error
    for step_id, key, pickled in snapshots:
        try:
            _check_state(step_id.removeprefix(f"{flow_id}."), key, pickled, formats)
        except StateUnusable as error:
            raise StateUnusable(f"{step_id}, {key}: {error}") from error
        # what is damaged raises whatever the reading runs into
        except Exception as error:
            raise StateUnusable(DAMAGED) from error


def _read(database: sqlite3.Connection) -> list[tuple[str, str, bytes]]:
    """Return (step, key, pickle) of all states that are saved; none where a key was let go.

    Raises:
        StateUnusable, sqlite3.Error: the tables are not whole, or the program did not get on with them.
    """
    (answer, *_more) = database.execute("PRAGMA integrity_check(1)").fetchall()
    if answer != ("ok",):
        raise StateUnusable(DAMAGED) from sqlite3.DatabaseError(answer[0])
    if database.execute("SELECT part_index, part_count FROM parts").fetchall() != [(0, PARTITIONS)]:
        raise StateUnusable("its list of parts is not that of one part")
    database.execute("SELECT * FROM commits").fetchall()
    # a run has a front from the end of its first epoch on
    began = "SELECT count(*) FROM exs WHERE ex_num > (SELECT max(ex_num) FROM fronts)"
    if database.execute(began).fetchall()[0][0] >= FAILED_STARTS:
        raise StateUnusable(f"the program ended {FAILED_STARTS} times right after it began with it")
    return database.execute(
        "SELECT step_id, state_key, ser_change FROM snaps WHERE ser_change IS NOT NULL"
    ).fetchall()


def _check_state(step: str, key: str, pickled: bytes, formats: Formats) -> None:
    # nothing is loaded before it is known to be plain: a pickle may run code, or ask for gigabytes
    for code, _, _ in pickletools.genops(pickled):
        if code.name not in _PLAIN_OPCODES:
            raise StateUnusable("an older version saved it, or it is damaged")
    saved = pickle.loads(pickled)
    if (own := formats.get(f"{step}/{key}") or formats.get(step)) is not None:
        own.restore(saved)
    elif saved is not None:  # sinks save nothing
        raise StateUnusable("this version has no such step")


def set_aside(
    store: Path, flow_id: str, reason: str, afresh: str, cause: BaseException | None = None
) -> Path:
    """Rename a store that cannot be used, and report it in one sentence; return where it is now.

    Args:
        store: the folder, or what is in its place.
        flow_id: as the flow names itself.
        reason: for people.
        afresh: for people: how the program begins without it.
        cause: for the log.
    Raises:
        TryAgain: it cannot be renamed now.
    """
    at = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = store.with_name(f"{store.name}{SET_ASIDE}{at}")
    words = (
        f"{flow_id}: what it had saved cannot be used ({reason}); "
        f"it is set aside as {aside.name}, and {afresh}"
    )
    words = words.encode(errors="backslashreplace").decode()
    try:
        if not store.is_dir():
            aside.mkdir()
            store.rename(aside / store.name)
        else:
            # before the rename, so that whoever sees the new name finds it; a full disk may refuse it
            with suppress(OSError):
                (store / REASON_FILE).write_text(words, "utf-8")
            store.rename(aside)
        if not (aside / REASON_FILE).exists():
            with suppress(OSError):
                (aside / REASON_FILE).write_text(words, "utf-8")
    except OSError as error:
        raise TryAgain(f"{store}: saved state cannot be set aside: {error}") from error
    log.warning("saved_state_set_aside", reason=words, folder=str(aside), cause=ascii(cause))
    return aside


def _make_store(store: Path) -> None:
    """Make an empty store in one step: one half made by a killed process would never open.

    Raises:
        TryAgain: the disk is full, or the folder cannot be written.
    """
    # what killed makers left: one process alone has this store
    for left in store.parent.glob(f".{store.name}.*"):
        shutil.rmtree(left, ignore_errors=True)
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{store.name}.", dir=store.parent))
        init_db_dir(temporary, PARTITIONS)
        temporary.rename(store)
    except OSError as error:
        raise TryAgain(f"{store}: no store for saved state can be made: {error}") from error
    except BaseException as error:
        # Bytewax panics where it cannot write; that exception is no Exception, and cannot be imported
        if type(error).__name__ != "PanicException":
            raise
        raise TryAgain(
            f"{store}: no store for saved state can be made: the disk is full, or it cannot be written"
        ) from error
