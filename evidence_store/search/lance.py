"""Open, lock and write the LanceDB tables of the evidence store; safe for several processes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from domain.errors import TryAgain
from domain.files import file_identity
from domain.processes.file_lock import LockHeld, file_lock
from evidence_store.search.lean_lancedb import load_lancedb
from evidence_store.search.stored_table import (
    TableDamaged,
    damage_in_words,
    is_from_lance,
)

if TYPE_CHECKING:
    from lancedb.table import LanceTable

# LanceDB's default caches grow to gigabytes in a process that lives long. A vector index of a
# million rows (about 100 MB) fits; it is read into the cache by the first search that needs it.
INDEX_CACHE_BYTES = 192 * 1024 * 1024
WRITERS_INDEX_CACHE_BYTES = 64 * 1024 * 1024  # who writes does not search
METADATA_CACHE_BYTES = 64 * 1024 * 1024
LONGEST_WRITE_S = 60.0
_LOCK_NAME = ".writers.lock"


def connect(path: Path, *, writes: bool = False) -> Any:
    """Open a LanceDB folder; made where there is none.

    `writes` marks the handle of a writer, which lives long and needs no large cache of indices.

    Raises:
        OSError, RuntimeError: it cannot be read or made.
    """
    # glibc keeps an arena for each of LanceDB's threads, each as large as its largest moment
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    os.environ.setdefault("LANCE_LOG", "error")
    lancedb = load_lancedb()

    path.mkdir(parents=True, exist_ok=True)
    return lancedb.connect(
        str(path),
        # a handle would else never see what other processes write
        read_consistency_interval=timedelta(0),
        session=lancedb.Session(
            index_cache_size_bytes=WRITERS_INDEX_CACHE_BYTES if writes else INDEX_CACHE_BYTES,
            metadata_cache_size_bytes=METADATA_CACHE_BYTES,
        ),
    )


def table_names(db: Any) -> list[str]:
    """List the names of all tables."""
    return list(db.list_tables().tables)


def open_table(
    path: Path,
    name: str,
    schema: pa.Schema,
    key: str,
    *,
    create: bool,
    added_later: Mapping[str, str] | None = None,
) -> LanceTable | None:
    """Open a table of a LanceDB folder, and bring an older version's table up to date.

    `schema` has the columns of this version, `key` is the column without equal values, `added_later`
    the columns that tables of older versions lack, with SQL for what their rows then say. `create`
    makes the table where there is none; else that is None.

    Raises:
        TryAgain: the folder cannot be read or made now.
        TableDamaged: it cannot be read, or is not this version's.
    """
    if not create and not (path / f"{name}.lance").exists():
        return None
    with damage_in_words(path, name):
        table = _open_or_make(connect(path, writes=create), name, schema)
        _check_schema(path, name, table.schema, schema, added_later or {})
        # also where the table is only to be read
        _add_columns(table, added_later or {})
        if create:
            _set_key(table, key)
    return table


def _open_or_make(db: Any, name: str, schema: pa.Schema) -> LanceTable:
    if name not in table_names(db):
        try:
            db.create_table(name, schema=schema)
        except (OSError, ValueError, RuntimeError):
            if name not in table_names(db):  # else another process was faster
                raise
    table: LanceTable = db.open_table(name)
    return table


def _check_schema(
    path: Path, name: str, came: pa.Schema, needed: pa.Schema, added_later: Mapping[str, str]
) -> None:
    differing = {name for name, _ in _columns(needed) ^ _columns(came)}
    absent = added_later.keys() - set(came.names)
    if differing - absent:
        raise TableDamaged(
            path,
            f"{name} needs this version's columns, differs in {', '.join(sorted(differing - absent))} "
            "(damaged, or written by another version)",
        )


def _columns(schema: pa.Schema) -> set[tuple[str, str]]:
    # LanceDB drops "not null" inside of vectors
    return {(field.name, str(field.type).replace(" not null", "")) for field in schema}


def _add_columns(table: LanceTable, added_later: Mapping[str, str]) -> None:
    missing = {name: sql for name, sql in added_later.items() if name not in table.schema.names}
    if not missing:
        return
    try:
        table.add_columns(missing)
    except (OSError, ValueError, RuntimeError):
        _see_newest(table)
        if set(missing) - set(table.schema.names):  # else another process was faster
            raise


def _set_key(table: LanceTable, column: str) -> None:
    """Name the key column, without which two processes that add one row both succeed.

    Also where the process that made the table was killed before it came to this.
    """
    if _has_key(table, column):
        return
    try:
        table.set_unenforced_primary_key(column)
    except (OSError, ValueError, RuntimeError):
        _see_newest(table)
        if not _has_key(table, column):  # else another process was faster
            raise


def _has_key(table: LanceTable, column: str) -> bool:
    metadata = table.schema.field(column).metadata or {}
    return any(b"primary-key" in name for name in metadata)


def _see_newest(table: Any) -> None:
    table.checkout_latest()


def add_rows(path: Path, table: LanceTable, key: str, rows: pa.Table) -> int:
    """Add the rows whose keys are not there yet; return how many. They are kept then.

    Raises:
        TryAgain: the folder `path` cannot be written now.
    """
    try:
        with writing_rows(path):
            # use_index(False): with an index on the key, concurrent writers miss each other's rows
            merge = table.merge_insert(key).use_index(False).when_not_matched_insert_all()
            return int(merge.execute(rows).num_inserted_rows)
    except BaseException as error:
        if not is_from_lance(error):
            raise
        raise TryAgain(
            f"evidence table {path / table.name}: {len(rows)} rows could not be written: {error}"
        ) from error


def writing_rows(path: Path) -> AbstractContextManager[None]:
    """Hold the tables of a folder open for writing, beside other writers.

    Raises:
        TryAgain: rows are being erased; that takes seconds, for large tables minutes.
    """
    return _locked(path, shared=True, wait_s=0.0)


def alone_with_tables(path: Path) -> AbstractContextManager[None]:
    """Keep others from writing to a folder's tables; raises TryAgain if a write takes too long."""
    return _locked(path, shared=False, wait_s=LONGEST_WRITE_S)


@contextmanager
def _locked(path: Path, *, shared: bool, wait_s: float) -> Iterator[None]:
    with ExitStack() as stack:
        # only the locking itself is caught here: what the holder raises passes unchanged
        try:
            lock = file_lock(path / _LOCK_NAME, shared=shared, wait_s=wait_s, mode=0o644)
            handle = stack.enter_context(lock)
            status = os.fstat(handle)
            if file_identity(path / _LOCK_NAME) != (status.st_dev, status.st_ino):
                raise LockHeld(f"{path}: was made anew meanwhile")
        except LockHeld as error:
            raise TryAgain(
                f"evidence table {path}: another process erases or writes rows; again in a moment"
            ) from error
        except OSError as error:
            raise TryAgain(f"evidence table {path}: cannot be written: {error.strerror}") from error
        yield
