"""LanceDB as the evidence store uses it: opening and making tables, safe for several processes."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from domain.errors import Stop

if TYPE_CHECKING:
    from lancedb.table import LanceTable

# LanceDB's default caches grow to gigabytes in a process that lives long. A vector index of a
# million rows (about 100 MB) fits; it is read into the cache by the first search that needs it.
INDEX_CACHE_BYTES = 192 * 1024 * 1024
WRITERS_INDEX_CACHE_BYTES = 64 * 1024 * 1024  # who writes does not search
METADATA_CACHE_BYTES = 64 * 1024 * 1024


def connect(path: Path, *, writes: bool = False) -> Any:
    """Open a LanceDB folder; made where there is none.

    Args:
        writes: the handle is a writer's, which lives long and needs no large cache of indices.
    Raises:
        OSError, RuntimeError: it cannot be read or made.
    """
    # glibc keeps an arena for each of LanceDB's threads, each as large as its largest moment
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    os.environ.setdefault("LANCE_LOG", "error")
    import lancedb

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


def is_there(path: Path, name: str) -> bool:
    """True where the folder holds a table of that name; looking makes nothing."""
    return (path / f"{name}.lance").exists()


def open_or_make(db: Any, name: str, schema: pa.Schema) -> LanceTable:
    """The table of that name; several processes may make it at once."""
    if name not in table_names(db):
        try:
            db.create_table(name, schema=schema)
        except (OSError, ValueError, RuntimeError):
            if name not in table_names(db):  # else another process was faster
                raise
    table: LanceTable = db.open_table(name)
    return table


def table_names(db: Any) -> list[str]:
    """Names of all tables."""
    return list(db.list_tables().tables)


def set_key(table: LanceTable, column: str) -> None:
    """Name the key column, without which two processes that add one row both succeed.

    Also where the process that made the table was killed before it came to this.
    """
    if _has_key(table, column):
        return
    try:
        table.set_unenforced_primary_key(column)
    except (OSError, ValueError, RuntimeError):
        table.checkout_latest()  # type: ignore[no-untyped-call]
        if not _has_key(table, column):  # else another process was faster
            raise


def _has_key(table: LanceTable, column: str) -> bool:
    metadata = table.schema.field(column).metadata or {}
    return any(b"primary-key" in name for name in metadata)


def insert_new(table: LanceTable, key: str, rows: pa.Table) -> int:
    """Add the rows whose keys are not there yet.

    Returns:
        how many were new.
    """
    # use_index(False): with an index on the key, concurrent writers miss each other's rows
    merge = table.merge_insert(key).use_index(False).when_not_matched_insert_all()
    return int(merge.execute(rows).num_inserted_rows)


def check_schema(where: Path, came: pa.Schema, wanted: pa.Schema, later: frozenset[str]) -> None:
    """Raise Stop where a table has not this version's columns.

    Args:
        later: columns that older versions did not have; they may be missing.
    """
    differing = {name for name, _ in _columns(wanted) ^ _columns(came)}
    absent = later - set(came.names)
    if differing - absent:
        raise Stop(
            f"evidence table {where}: needs this version's columns, differs in "
            f"{', '.join(sorted(differing - absent))}; was it written by another version?"
        )


def _columns(schema: pa.Schema) -> set[tuple[str, str]]:
    # LanceDB drops "not null" inside of vectors
    return {(field.name, str(field.type).replace(" not null", "")) for field in schema}
