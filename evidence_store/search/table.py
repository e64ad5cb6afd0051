"""Keep the evidence table: one row in LanceDB for each sealed record, found by facts or by likeness.

Rows are only ever added, until their time is over (`erasure/erase_rows.py`). The files they vouch for
lie in the vault; the row carries their hashes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import structlog

from domain.errors import Stop, TryAgain
from domain.evidence import EvidenceRecord
from evidence_store.search.filters import EVERYTHING, FACT_INDICES, RecordFilter
from evidence_store.search.lance import add_rows, open_table, writing_rows
from evidence_store.search.maintenance import Indices, keep_up, tidy
from evidence_store.search.nearest import count_fitting
from evidence_store.search.schema import (
    ADDED_LATER,
    FACTS,
    SCHEMA,
    VECTOR_SIZES,
    from_arrow,
    to_arrow,
    vector_matrix,
)
from evidence_store.search.similarity import SearchResult, Vector, find_alike, find_alike_by_both

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

        `create` makes it where there is none; else a missing table is one without rows.

        Raises:
            TryAgain: the folder cannot be read or made now.
            Stop: there is a table that is not this version's.
        """
        table = open_table(path, TABLE_NAME, SCHEMA, KEY, create=create, added_later=ADDED_LATER)
        return cls(path, table)

    def put(self, records: Sequence[EvidenceRecord]) -> int:
        """Add records whose ids are not there yet; return how many. They are kept then.

        Raises:
            PutAside: a record does not fit the schema; none was written.
            TryAgain: the folder cannot be written now.
        """
        if not records:
            return 0
        added = add_rows(self._path, self._written(), KEY, to_arrow(records))
        self._added_since_tidy += added
        if self._added_since_tidy >= TIDY_EVERY_ROWS:
            self._tidy()
        return added

    def _tidy(self) -> None:
        # now and then, by the writer itself: each write leaves a fragment and a version
        self._added_since_tidy = 0
        try:
            with writing_rows(self._path):
                self.optimize()
        except (TryAgain, OSError, RuntimeError) as error:
            # the rows are safe; a table that is not tidied is only slower
            log.warning("evidence_table_not_tidied", table=str(self._path), reason=str(error))

    def get(self, evidence_id: str) -> EvidenceRecord | None:
        """Read one record; None if there is none of that id."""
        return next(iter(self.get_many([evidence_id])), None)

    def get_many(self, evidence_ids: Sequence[str]) -> list[EvidenceRecord]:
        """Read the records of these ids, in this order; those that are not there are left out."""
        if self._table is None or not evidence_ids:
            return []
        from lancedb.expr import col, lit

        expression = (
            col(KEY).isin(list(evidence_ids))
            if len(evidence_ids) > 1
            else col(KEY) == lit(evidence_ids[0])
        )
        query = self._table.search().where(expression).limit(len(evidence_ids))
        by_id = {record.evidence_id: record for record in from_arrow(query.to_arrow())}
        return [by_id[evidence_id] for evidence_id in evidence_ids if evidence_id in by_id]

    def newest(
        self, record_filter: RecordFilter = EVERYTHING, limit: int = 100
    ) -> list[EvidenceRecord]:
        """Read records that pass a filter, those that ended last first."""
        if self._table is None or limit <= 0:
            return []
        from lancedb.query import ColumnOrdering

        query = self._table.search()
        if (expression := record_filter.expression()) is not None:
            query = query.where(expression)
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
        record_filter: RecordFilter = EVERYTHING,
    ) -> SearchResult:
        """Find records whose subject looks most like a vector, with their cosines, best first.

        The vector is (1280,) for "embedding", (256,) for "appearance", of any length but zero. Records
        that do not pass the filter, or have no picture of their subject and so no vector, are left out.

        Raises:
            PutAside: the vector has the wrong size, or no direction.
        """
        return find_alike(self._table, vector, by, k, record_filter)

    def search_by_both(
        self,
        embedding: np.ndarray,
        appearance: np.ndarray,
        *,
        k: int = 10,
        record_filter: RecordFilter = EVERYTHING,
    ) -> SearchResult:
        """Find records by whole look and colours together; else as `search` (see similarity.py)."""
        return find_alike_by_both(self._table, embedding, appearance, k, record_filter)

    def search_by(
        self, vectors: Mapping[Vector, np.ndarray], *, k: int, record_filter: RecordFilter
    ) -> SearchResult:
        """Find records as `search` does by one vector, or as `search_by_both` does by both."""
        if len(vectors) > 1:
            return self.search_by_both(
                vectors["embedding"], vectors["appearance"], k=k, record_filter=record_filter
            )
        by, vector = next(iter(vectors.items()))
        return self.search(vector, by=by, k=k, record_filter=record_filter)

    def count(self, record_filter: RecordFilter = EVERYTHING) -> int:
        """Count the records that pass a filter."""
        return 0 if self._table is None else count_fitting(self._table, record_filter)

    def facts(self) -> pa.Table:
        """Read all rows without their vectors, with each vector's length as `<name>_norm`."""
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
        """Maintain the table, in one caretaker process; see `keep_up`."""
        return keep_up(self._table, self._path, INDICES) if self._table is not None else []

    @property
    def lance(self) -> LanceTable | None:
        """LanceDB's own handle, for erasing; None where there is no table."""
        return self._table

    def fragments(self) -> int:
        """Count the files that a search reads."""
        if self._table is None:
            return 0
        stats: Any = self._table.stats()  # a mapping, whatever its stub says
        return int(stats["fragment_stats"]["num_fragments"])

    def _written(self) -> LanceTable:
        if self._table is None:
            raise Stop(f"evidence table {self._path}: was opened for reading and is not there")
        return self._table
