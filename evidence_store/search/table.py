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

from domain.errors import TryAgain
from domain.evidence import EvidenceRecord
from evidence_store.search.filters import EVERYTHING, FACT_INDICES, RecordFilter
from evidence_store.search.lance import add_rows, open_table, writing_rows
from evidence_store.search.maintenance import Indices, keep_up, tidy
from evidence_store.search.nearest import count_fitting, to_unit
from evidence_store.search.order import ids_beside, in_order
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
from evidence_store.search.stored_table import StoredTable, read_columns

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

    def __init__(self, stored: StoredTable) -> None:
        self._stored = stored
        self._added_since_tidy = 0

    @classmethod
    def open(cls, path: Path, *, create: bool = True, at_once: bool = True) -> Self:
        """Open the table of a LanceDB folder; what reads it raises as this does.

        `create` makes it where there is none; else a missing table is one without rows. Without `at_once` the
        first use opens it.

        Raises:
            TryAgain: the folder cannot be read or made now.
            TableDamaged: it cannot be read, or is not this version's.
        """
        stored = StoredTable(
            path,
            TABLE_NAME,
            lambda: open_table(
                path, TABLE_NAME, SCHEMA, KEY, create=create, added_later=ADDED_LATER
            ),
        )
        if at_once:
            stored.current()
        return cls(stored)

    def put(self, records: Sequence[EvidenceRecord]) -> int:
        """Add records whose ids are not there yet; return how many. They are kept then.

        Raises:
            PutAside: a record does not fit the schema; none was written.
            TryAgain: the folder cannot be written now.
        """
        if not records:
            return 0
        rows = to_arrow(records)
        added = self._stored.change(lambda table: add_rows(self.folder, table, KEY, rows))
        self._added_since_tidy += added
        if self._added_since_tidy >= TIDY_EVERY_ROWS:
            self._tidy()
        return added

    def _tidy(self) -> None:
        # now and then, by the writer itself: each write leaves a fragment and a version
        self._added_since_tidy = 0
        try:
            with writing_rows(self.folder):
                self.optimize()
        except (TryAgain, OSError) as error:
            # the rows are safe; a table that is not tidied is only slower
            log.warning("evidence_table_not_tidied", table=str(self.folder), reason=str(error))

    def get(self, evidence_id: str) -> EvidenceRecord | None:
        """Read one record; None if there is none of that id."""
        return next(iter(self.get_many([evidence_id])), None)

    def get_many(self, evidence_ids: Sequence[str]) -> list[EvidenceRecord]:
        """Read the records of these ids, in this order; those that are not there are left out."""
        if not evidence_ids:
            return []
        from lancedb.expr import col, lit

        expression = (
            col(KEY).isin(list(evidence_ids))
            if len(evidence_ids) > 1
            else col(KEY) == lit(evidence_ids[0])
        )

        def read(table: LanceTable) -> list[EvidenceRecord]:
            return from_arrow(table.search().where(expression).limit(len(evidence_ids)).to_arrow())

        nothing: list[EvidenceRecord] = []
        by_id = {record.evidence_id: record for record in self._stored.read(read, nothing)}
        return [by_id[evidence_id] for evidence_id in evidence_ids if evidence_id in by_id]

    def newest(
        self, record_filter: RecordFilter = EVERYTHING, limit: int = 100
    ) -> list[EvidenceRecord]:
        """Read records that pass a filter, those that ended last first."""
        if limit <= 0:
            return []

        def read(table: LanceTable) -> list[EvidenceRecord]:
            query = table.search()
            if (expression := record_filter.expression()) is not None:
                query = query.where(expression)
            return from_arrow(
                query.order_by(in_order(KEY, is_newest_first=True)).limit(limit).to_arrow()
            )

        return self._stored.read(read, [])

    def beside(self, record: EvidenceRecord) -> tuple[str, str]:
        """Return the ids of the records that ended before and after one, in the order of `newest`; "": none."""
        return self._stored.read(lambda table: ids_beside(table, KEY, record), ("", ""))

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
        unit = to_unit(vector, VECTOR_SIZES[by], by)
        return self._stored.read(
            lambda table: find_alike(table, unit, by, k, record_filter), SearchResult()
        )

    def search_by_both(
        self,
        embedding: np.ndarray,
        appearance: np.ndarray,
        *,
        k: int = 10,
        record_filter: RecordFilter = EVERYTHING,
    ) -> SearchResult:
        """Find records by whole look and colours together; else as `search` (see similarity.py)."""
        vectors: dict[Vector, np.ndarray] = {"embedding": embedding, "appearance": appearance}
        units = {by: to_unit(vector, VECTOR_SIZES[by], by) for by, vector in vectors.items()}
        return self._stored.read(
            lambda table: find_alike_by_both(table, units, k, record_filter), SearchResult()
        )

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
        return self._stored.read(lambda table: count_fitting(table, record_filter), 0)

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Read some columns of all rows."""
        nothing = SCHEMA.empty_table().select(list(names))
        return self._stored.read(lambda table: read_columns(table, list(names)), nothing)

    def facts(self) -> pa.Table:
        """Read all rows without their vectors, with each vector's length as `<name>_norm`."""
        rows = self.columns(SCHEMA.names)
        facts = rows.select(FACTS)
        for name, size in VECTOR_SIZES.items():
            facts = facts.append_column(
                f"{name}_norm", pa.array(np.linalg.norm(vector_matrix(rows, name, size), axis=1))
            )
        return facts

    def optimize(self) -> None:
        """Join small fragments and drop versions older than a day.

        Raises:
            TryAgain: not now, as where somebody builds an index.
            TableDamaged: it cannot be read.
        """
        if self._stored.current() is not None:
            self._stored.change(tidy)

    def check_readable(self) -> None:
        """Read all rows without their vectors; raises TableDamaged where that cannot be done."""
        self._stored.check_readable()

    def keep_up(self) -> list[str]:
        """Maintain the table, in one caretaker process; see `keep_up`."""
        self.check_readable()
        if self._stored.current() is None:
            return []
        return self._stored.change(lambda table: keep_up(table, self.folder, INDICES))

    @property
    def folder(self) -> Path:
        """Return the LanceDB folder."""
        return self._stored.folder

    @property
    def lance(self) -> LanceTable | None:
        """LanceDB's own handle; None where there is no table."""
        return self._stored.current()

    def fragments(self) -> int:
        """Count the files that a search reads."""

        def count(table: LanceTable) -> int:
            stats: Any = table.stats()  # a mapping, whatever its stub says
            return int(stats["fragment_stats"]["num_fragments"])

        return self._stored.read(count, 0)
