"""Maintain a table in LanceDB: join small files, drop old versions, build indices.

Each write leaves a file and a version. Writers join theirs now and then (`tidy`); indices are built
by one caretaker process (`forewarn evidence upkeep`, which a run starts by itself), because building
one over a million rows takes half a minute. An index that is missing, or not up to date, makes a
search slower, never wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from domain.errors import TryAgain
from domain.files import write_atomically
from evidence_store.search.lance import writing_rows
from evidence_store.search.nearest import has_vector_index
from evidence_store.search.stored_table import is_from_lance

if TYPE_CHECKING:
    from lancedb.table import LanceTable

CLEANUP_AFTER = timedelta(days=1)
# below these, a scan is as quick as the index
INDEX_FACTS_FROM_ROWS = 5_000
INDEX_VECTORS_FROM_ROWS = 20_000
# rows that were added since are sorted into the old partition; this much growth makes a new one
RETRAIN_AT_GROWTH = 2.0
NOTE = "upkeep.json"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Indices:
    """Indices that a table should have once it is large."""

    facts: Mapping[str, str]  # column -> "bitmap" (few different values) or "btree"
    vectors: tuple[str, ...]


def tidy(table: LanceTable) -> None:
    """Join small files, sort new rows into the indices there are, drop versions older than a day.

    Raises:
        TryAgain: LanceDB could not, as where an index was built meanwhile; no row is touched.
    """
    try:
        table.optimize(cleanup_older_than=CLEANUP_AFTER)
    except BaseException as error:
        # Rust's panics come as an exception of their own, which is no Exception
        if not is_from_lance(error):
            raise
        raise TryAgain(f"evidence table {table.name}: could not be tidied: {error}") from error


def keep_up(table: LanceTable, folder: Path, indices: Indices) -> list[str]:
    """Tidy a table and build the indices that it has grown into; for one caretaker at a time.

    Notes are kept in `folder`, that of the LanceDB database. Returns the columns indexed now.

    Raises:
        TryAgain: LanceDB could not; the rows are as they were.
    """
    try:
        # an index built meanwhile must not bring back what is erased
        with writing_rows(folder):
            return _keep_up(table, folder, indices)
    except BaseException as error:
        if not is_from_lance(error):
            raise
        raise TryAgain(f"evidence table {folder / table.name}: upkeep failed: {error}") from error


def _keep_up(table: LanceTable, folder: Path, indices: Indices) -> list[str]:
    damaged = not _could_tidy(table)
    rows = int(table.count_rows())
    built = index_facts(table, indices.facts) if rows >= INDEX_FACTS_FROM_ROWS else []
    if rows < INDEX_VECTORS_FROM_ROWS:
        return built
    notes = _read_notes(folder)
    for column in indices.vectors:
        name = f"{table.name}.{column}"
        trained_on = int(notes.get(name, 0))
        if damaged or not has_vector_index(table, column) or rows > RETRAIN_AT_GROWTH * trained_on:
            _index_vectors(table, column)
            notes[name] = rows
            content = json.dumps(notes, indent=1, sort_keys=True) + "\n"
            write_atomically(folder / NOTE, content.encode(), durable=False)
            built.append(column)
    return built


def _could_tidy(table: LanceTable) -> bool:
    """Tidy; False where LanceDB could not sort new rows into an index, which is then built anew."""
    try:
        tidy(table)
    except TryAgain as error:
        log.warning("evidence_table_not_tidied", table=table.name, reason=str(error))
        # a writer that came first says nothing about the index
        return "commit conflict" in str(error)
    return True


def index_facts(table: LanceTable, facts: Mapping[str, str]) -> list[str]:
    """Build the indices on facts that are missing; return their columns."""
    from lancedb.index import Bitmap, BTree

    have = {column for index in table.list_indices() for column in index.columns}
    missing = [column for column in facts if column not in have and column in table.schema.names]
    for column in missing:
        table.create_index(column, config=Bitmap() if facts[column] == "bitmap" else BTree())
    return missing


def _index_vectors(table: LanceTable, column: str) -> None:
    from lancedb.index import IvfRq

    # one bit a number (RaBitQ) in partitions: built in a tenth of the time that others took, and as
    # good once candidates are compared by their full vectors
    table.create_index(column, config=IvfRq(distance_type="dot"), replace=True)


def _read_notes(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / NOTE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}
