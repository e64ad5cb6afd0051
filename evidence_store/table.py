"""The evidence table: one row in LanceDB for each sealed record, found by facts or by likeness.

Rows are only ever added, until their time is over (`erase_rows.py`). The files they vouch for lie in
the vault; the row carries their hashes.
How LanceDB is opened: `lance.py`; what a row is: `rows.py`; filters: `wanted.py`; how likeness is
searched: `nearest.py` and `alike.py`; what keeps it quick: `upkeep.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import structlog

from domain.errors import Stop, TryAgain
from domain.evidence import EvidenceRecord
from evidence_store.alike import Found, Vector, find_alike, find_alike_by_both
from evidence_store.lance import check_schema, connect, insert_new, is_there, open_or_make, set_key
from evidence_store.rows import (
    ADDED_LATER,
    FACTS,
    SCHEMA,
    VECTOR_SIZES,
    from_arrow,
    to_arrow,
    vector_matrix,
)
from evidence_store.table_lock import writing_rows
from evidence_store.upkeep import Indices, keep_up, tidy
from evidence_store.wanted import EVERYTHING, FACT_INDICES, Wanted

if TYPE_CHECKING:
    from lancedb.table import LanceTable

TABLE_NAME = "evidence"
KEY = "evidence_id"
# a search over 200 one-row fragments took five times as long as over one
TIDY_EVERY_ROWS = 50
INDICES = Indices(facts={KEY: "btree", **FACT_INDICES}, vectors=tuple(VECTOR_SIZES))

log = structlog.get_logger()


class EvidenceTable:
    """Rows of sealed evidence; safe for several processes at once."""

    def __init__(self, path: Path, table: LanceTable | None) -> None:
        self._path = path
        self._table = table
        self._added_since_tidy = 0

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Self:
        """Open the table of a LanceDB folder.

        Args:
            create: make it where there is none; else a missing table is one without rows.
        Raises:
            TryAgain: the folder cannot be read or made now.
            Stop: there is a table that is not this version's.
        """
        if not create and not is_there(path, TABLE_NAME):
            return cls(path, None)
        try:
            table = open_or_make(connect(path, writes=create), TABLE_NAME, SCHEMA)
            check_schema(path, table.schema, SCHEMA, frozenset(ADDED_LATER))
            _add_columns(table)  # of an older version's table, also where it is only to be read
            if create:
                set_key(table, KEY)
        except (OSError, RuntimeError) as error:
            raise TryAgain(f"evidence table {path}: cannot be opened: {error}") from error
        return cls(path, table)

    def put(self, records: Sequence[EvidenceRecord]) -> int:
        """Add records whose ids are not there yet; when it returns they are kept.

        Returns:
            how many were new.
        Raises:
            PutAside: a record does not fit the schema; none was written.
            TryAgain: the folder cannot be written now.
        """
        if not records:
            return 0
        table = self._written()
        rows = to_arrow(records)
        try:
            with writing_rows(self._path):
                added = insert_new(table, KEY, rows)
        except (OSError, RuntimeError) as error:
            raise TryAgain(
                f"evidence table {self._path}: {len(records)} rows could not be written: {error}"
            ) from error
        self._added_since_tidy += added
        if self._added_since_tidy >= TIDY_EVERY_ROWS:
            self._tidy()
        return added

    def _tidy(self) -> None:
        """Now and then, by the writer itself: each write leaves a fragment and a version."""
        self._added_since_tidy = 0
        try:
            with writing_rows(self._path):
                self.optimize()
        except (TryAgain, OSError, RuntimeError) as error:
            # the rows are safe; a table that is not tidied is only slower
            log.warning("evidence_table_not_tidied", table=str(self._path), reason=str(error))

    def get(self, evidence_id: str) -> EvidenceRecord | None:
        """One record; None if there is none of that id."""
        found = self.get_many([evidence_id])
        return found[0] if found else None

    def get_many(self, evidence_ids: Sequence[str]) -> list[EvidenceRecord]:
        """Records of these ids, in this order; those that are not there are left out."""
        if self._table is None or not evidence_ids:
            return []
        from lancedb.expr import col, lit

        wanted = (
            col(KEY).isin(list(evidence_ids))
            if len(evidence_ids) > 1
            else col(KEY) == lit(evidence_ids[0])
        )
        query = self._table.search().where(wanted).limit(len(evidence_ids))
        found = {each.evidence_id: each for each in from_arrow(query.to_arrow())}
        return [found[each] for each in evidence_ids if each in found]

    def newest(self, wanted: Wanted = EVERYTHING, limit: int = 100) -> list[EvidenceRecord]:
        """Records that fit, those that ended last first."""
        if self._table is None or limit <= 0:
            return []
        from lancedb.query import ColumnOrdering

        query = self._table.search()
        if (filtering := wanted.expression()) is not None:
            query = query.where(filtering)
        newest_first = [
            ColumnOrdering(column_name="ended_at", ascending=False),
            ColumnOrdering(column_name=KEY),
        ]
        return from_arrow(query.order_by(newest_first).limit(limit).to_arrow())

    def search(
        self,
        vector: np.ndarray,
        *,
        by: Vector = "embedding",
        k: int = 10,
        wanted: Wanted = EVERYTHING,
    ) -> Found:
        """Records whose subject looks most like a vector, best first.

        Args:
            vector: (1280,) for "embedding", (256,) for "appearance"; any length but zero.
            wanted: facts that a record must have, to be compared at all.
        Returns:
            at most k records with their cosines. Records without a picture of their subject have
            no vector and are left out.
        Raises:
            PutAside: the vector has the wrong size, or no direction.
        """
        return find_alike(self._table, vector, by, k, wanted)

    def search_by_both(
        self,
        embedding: np.ndarray,
        appearance: np.ndarray,
        *,
        k: int = 10,
        wanted: Wanted = EVERYTHING,
    ) -> Found:
        """As `search`, by whole look and colours together; see evidence_store/alike.py."""
        return find_alike_by_both(self._table, embedding, appearance, k, wanted)

    def count(self) -> int:
        """How many records there are."""
        return 0 if self._table is None else int(self._table.count_rows())

    def facts(self) -> pa.Table:
        """All rows without their vectors, with each vector's length as `<name>_norm`."""
        if self._table is None:
            rows = SCHEMA.empty_table()
        else:
            rows = self._table.search().limit(max(1, self.count())).to_arrow()
        facts = rows.select(FACTS)
        for name, size in VECTOR_SIZES.items():
            facts = facts.append_column(
                f"{name}_norm", pa.array(np.linalg.norm(vector_matrix(rows, name, size), axis=1))
            )
        return facts

    def optimize(self) -> None:
        """Join small fragments and drop versions older than a day."""
        if self._table is not None:
            tidy(self._table)

    def keep_up(self) -> list[str]:
        """Tidy, and build the indices that the table has grown into; for one caretaker process.

        Returns:
            columns that were indexed now.
        Raises:
            TryAgain: LanceDB could not; the rows are as they were.
        """
        if self._table is None:
            return []
        try:
            with writing_rows(self._path):
                return keep_up(self._table, self._path, INDICES)
        except (OSError, RuntimeError) as error:
            raise TryAgain(f"evidence table {self._path}: upkeep failed: {error}") from error

    @property
    def lance(self) -> LanceTable | None:
        """LanceDB's own handle, for the caretakers beside this module; None where there is no table."""
        return self._table

    def fragments(self) -> int:
        """Files that a search reads."""
        if self._table is None:
            return 0
        stats: Any = self._table.stats()  # a mapping, whatever its stub says
        return int(stats["fragment_stats"]["num_fragments"])

    def _written(self) -> LanceTable:
        if self._table is None:
            raise Stop(f"evidence table {self._path}: was opened for reading and is not there")
        return self._table


def _add_columns(table: LanceTable) -> None:
    """Give an older version's table the columns that came later."""
    missing = {name: sql for name, sql in ADDED_LATER.items() if name not in table.schema.names}
    if not missing:
        return
    try:
        table.add_columns(missing)
    except (OSError, ValueError, RuntimeError):
        table.checkout_latest()  # type: ignore[no-untyped-call]
        if set(missing) - set(table.schema.names):  # else another process was faster
            raise
