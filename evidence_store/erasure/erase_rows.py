"""Delete rows from the evidence tables so that their bytes are gone: data, old versions and indices.

A deleted row stays in its file until that file is written anew, and LanceDB does so only for files
that have a neighbour to be joined with, or from which a tenth is deleted. So one other row of the
table is written again, unchanged: it makes the neighbour. Where a file is too large for that, a tenth
of its rows is. Optimising twice then writes data and indices anew; afterwards the bytes are searched for.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import structlog

from domain.errors import TryAgain
from evidence_store.erasure.residue_search import files_below
from evidence_store.search.lance import alone_with_tables, connect, table_names
from evidence_store.search.stored_table import damage_in_words, is_from_lance, read_all_facts
from evidence_store.search.table import KEY

if TYPE_CHECKING:
    from lancedb.table import LanceTable

log = structlog.get_logger()

ROUNDS = 6
# from the third round on: a share of a file's rows that makes LanceDB write it anew by itself
_SHARE = 0.15
_IDS_AT_ONCE = 500
_ANY_TEXT = "camera_id"  # a column that every table of records has
_WITHOUT_ROWS = ("_transactions", "_versions")
_FRAGMENT_BITS = 32  # a row's address is its file's number, then its place in it


def erase_rows(
    folder: Path,
    evidence_ids: Sequence[str],
    is_clean: Callable[[], bool],
    beat: Callable[[], None] = lambda: None,
) -> int:
    """Delete rows and what is left of them; a second call with the same ids goes on.

    Rows go from every table of the LanceDB database that has some for records; the caller has checked that
    the ids look like ids. `is_clean` searches the folder; False while any of their bytes are still in it.
    `beat` is called between rounds, which take seconds, for millions of rows minutes. Returns how many rows
    there were.

    Raises:
        TryAgain: somebody else is writing, or the bytes are still there after all rounds.
        TableDamaged: a table cannot be read.
    """
    if not evidence_ids:
        return 0
    with alone_with_tables(folder):
        try:
            tables = _tables_of_records(folder)
            files = {table.name: _files_of(table, evidence_ids) for table in tables}
            removed = sum(_delete(table, evidence_ids) for table in tables)
            for number in range(ROUNDS):
                for table in tables:
                    beat()
                    known = files[table.name] or _all_files(table)
                    _nudge(table, known if number >= 2 else [])
                    _optimize(table)
                if is_clean():
                    log.info("rows_erased", rows=removed, rounds=number + 1)
                    return removed
        except BaseException as error:
            if not is_from_lance(error):
                raise
            for table in _tables_of_records(folder):
                with damage_in_words(folder, table.name):
                    read_all_facts(table)
            raise TryAgain(f"evidence table {folder}: rows cannot be erased: {error}") from error
    raise TryAgain(
        f"evidence table {folder}: {removed} rows were deleted, but their bytes are still there after "
        f"{ROUNDS} rounds; are old versions tagged?"
    )


def vectors_of(folder: Path, evidence_id: str) -> dict[str, np.ndarray]:
    """Return every vector of a record in every table, by "table column", to search for it afterwards.

    Raises:
        TableDamaged: a table cannot be read.
    """
    vectors: dict[str, np.ndarray] = {}
    for table in _tables_of_records(folder):
        lists = [field.name for field in table.schema if pa.types.is_fixed_size_list(field.type)]
        with damage_in_words(folder, table.name):
            rows = table.search().where(_among([evidence_id])).select(lists).limit(1).to_arrow()
        for name in lists if len(rows) else []:
            vector = np.array(rows.column(name)[0].as_py(), np.float32)
            vectors[f"{table.name} {name}"] = vector
    return vectors


def _tables_of_records(folder: Path) -> list[LanceTable]:
    """Open every table that has a row for each record: the evidence, and vectors of other models."""
    if not folder.is_dir():
        return []
    db, tables = connect(folder), []
    for name in table_names(db):
        with damage_in_words(folder, name):
            tables.append(db.open_table(name))
    return [table for table in tables if KEY in table.schema.names]


def _files_of(table: LanceTable, evidence_ids: Sequence[str]) -> list[int]:
    """Return the numbers of the data files that hold the rows."""
    files: set[int] = set()
    for chunk in _chunks(evidence_ids):
        query = table.search().where(_among(chunk)).with_row_id(True).select(["evidence_id"])
        rows = query.limit(len(chunk)).to_arrow()
        files |= {address >> _FRAGMENT_BITS for address in rows.column("_rowid").to_pylist()}
    return sorted(files)


def _all_files(table: LanceTable) -> list[int]:
    """Return the numbers of all data files: any may hold rows that a killed call deleted."""
    rows = table.search().with_row_id(True).select(["evidence_id"]).limit(table.count_rows())
    addresses = rows.to_arrow().column("_rowid").to_numpy()
    return sorted({int(number) for number in np.unique(addresses >> _FRAGMENT_BITS)})


def row_files(folder: Path) -> Iterator[Path]:
    """Return the files of the database that hold rows; ids in old predicates, elsewhere, do not count."""
    return files_below(folder, lambda path: path.parent.name in _WITHOUT_ROWS)


def _delete(table: LanceTable, evidence_ids: Sequence[str]) -> int:
    before = table.count_rows()
    for chunk in _chunks(evidence_ids):
        if table.count_rows(_among(chunk)):
            table.delete(_among(chunk))
    return int(before - table.count_rows())


def _nudge(table: LanceTable, files: Sequence[int]) -> None:
    """Write rows again as they are: one of the table, or a share of each file named."""
    unchanged = {_ANY_TEXT: _ANY_TEXT}
    some = table.search().select(["evidence_id"]).limit(1).to_arrow()
    if len(some):
        table.update(where=_among([some.column(0)[0].as_py()]), values_sql=unchanged)
    for number in files:
        first = number << _FRAGMENT_BITS
        in_file = f"_rowid >= {first} AND _rowid < {first + (1 << _FRAGMENT_BITS)}"
        share = int(_SHARE * table.count_rows(in_file)) + 1
        table.update(where=f"_rowid >= {first} AND _rowid < {first + share}", values_sql=unchanged)


def _optimize(table: LanceTable) -> None:
    with warnings.catch_warnings():
        # it warns that others may still read old versions: their next query reads the new one
        warnings.simplefilter("ignore", UserWarning)
        # nobody else writes now, so what no version knows of is left over from a killed process
        table.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)


def _chunks(evidence_ids: Sequence[str]) -> list[Sequence[str]]:
    starts = range(0, len(evidence_ids), _IDS_AT_ONCE)
    return [evidence_ids[start : start + _IDS_AT_ONCE] for start in starts]


def _among(evidence_ids: Sequence[str]) -> str:
    return "evidence_id IN (" + ", ".join(f"'{name}'" for name in evidence_ids) + ")"
