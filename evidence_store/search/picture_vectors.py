"""Keep and search the vectors that models which a site may lack made of each record's picture.

Such models are the likeness model and a picture-and-text pair. Vectors of two of them cannot be compared,
so each has a table of its own, named after the hash of its weights; every row names it, too. A row
repeats the facts that searches filter by.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from domain.errors import Stop
from domain.evidence import EvidenceRecord
from evidence_store.search.filters import EVERYTHING, FACT_INDICES, RecordFilter
from evidence_store.search.lance import add_rows, connect, open_table, table_names
from evidence_store.search.maintenance import Indices, keep_up
from evidence_store.search.nearest import Nearest, find_nearest, to_unit
from evidence_store.search.similarity import SearchResult, rank_records
from evidence_store.search.stored_table import StoredTable, damage_in_words, read_columns
from evidence_store.search.table import EvidenceTable

if TYPE_CHECKING:
    from lancedb.table import LanceTable

PREFIX = "pictures-"
KEY, VECTOR = "evidence_id", "vector"
INDICES = Indices(facts={KEY: "btree", **FACT_INDICES}, vectors=(VECTOR,))
_UTC = pa.timestamp("us", tz="UTC")
_TIMES = ("ended_at",)


@dataclass(frozen=True, slots=True)
class VectorSpace:
    """Identify what made vectors, a model or a pair of them: they are comparable with no other's."""

    name: str
    sha256: str  # of the weights and of how pictures (and texts) are prepared
    size: int  # numbers in a vector

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", self.name) or self.size < 2:
            raise Stop(f"vectors need a name like clip_b32 and 2 numbers at least: {self}")

    def __str__(self) -> str:
        return f"{self.name}={self.sha256[:12]}"

    @property
    def table_name(self) -> str:
        """Name of the table of its own."""
        return f"{PREFIX}{self.name}-{self.sha256[:12]}"


def schema_of(size: int) -> pa.Schema:
    """Make the schema of such a table, for vectors of `size` numbers."""
    facts = [
        pa.field(name, _UTC if name in _TIMES else pa.string(), nullable=False)
        for name in FACT_INDICES
    ]
    vector = pa.list_(pa.field("item", pa.float32(), nullable=False), size)
    return pa.schema(
        [
            pa.field(KEY, pa.string(), nullable=False),
            pa.field("pair", pa.string(), nullable=False),
            *facts,
            pa.field(VECTOR, vector, nullable=False),
        ]
    )


def picture_tables(path: Path) -> list[StoredTable]:
    """Open every such table, for erasing, upkeep and making them anew; TableDamaged: one cannot be read."""
    if not path.exists():
        return []
    db = connect(path)

    def opened(name: str) -> LanceTable:
        with damage_in_words(path, name):
            table: LanceTable = db.open_table(name)
            return table

    return [
        StoredTable(path, name, partial(opened, name))
        for name in table_names(db)
        if name.startswith(PREFIX)
    ]


def keep_up_pictures(stored: StoredTable) -> list[str]:
    """Maintain one of `picture_tables`; see `keep_up`."""
    stored.check_readable()
    return stored.change(lambda table: keep_up(table, stored.folder, INDICES))


def copy_vectors(stored: StoredTable, folder: Path, evidence_ids: Sequence[str]) -> int:
    """Copy some records' rows of one of `picture_tables` to another folder; return how many there are.

    Raises:
        TableDamaged: they cannot be read.
        TryAgain: they cannot be written.
    """
    from lancedb.expr import col

    def read(table: LanceTable) -> pa.Table:
        query = table.search().where(col(KEY).isin(list(evidence_ids)))
        return query.limit(len(evidence_ids)).to_arrow()

    rows = stored.read(read, pa.table({}))
    if not len(rows):
        return 0
    schema = schema_of(rows.schema.field(VECTOR).type.list_size)
    table = open_table(folder, stored.name, schema, KEY, create=True)
    assert table is not None
    return add_rows(folder, table, KEY, rows.select(schema.names).cast(schema))


class PictureVectors:
    """Vectors of one space; safe for several processes at once."""

    def __init__(self, space: VectorSpace, stored: StoredTable) -> None:
        self.space, self._stored = space, stored

    @classmethod
    def open(cls, path: Path, space: VectorSpace, *, create: bool = True) -> Self:
        """Open a space's table in a LanceDB folder.

        `create` makes it where there is none; else a missing table is one without rows.

        Raises:
            TryAgain: the folder cannot be read or made now.
            TableDamaged: it cannot be read, or is not this version's.
        """
        schema, name = schema_of(space.size), space.table_name
        stored = StoredTable(path, name, lambda: open_table(path, name, schema, KEY, create=create))
        stored.current()
        return cls(space, stored)

    def put(self, described: Sequence[tuple[EvidenceRecord, np.ndarray | None]]) -> int:
        """Keep what the model saw in records, and return how many were new; what is there already stays.

        A vector is None where there is no picture of the subject, so that it is not looked for again.

        Raises:
            PutAside: a vector has the wrong size, or no direction.
            TryAgain: the folder cannot be written now.
        """
        columns: dict[str, list[object]] = {
            KEY: [record.evidence_id for record, _ in described],
            "pair": [str(self.space)] * len(described),
            **{name: [getattr(record, name) for record, _ in described] for name in FACT_INDICES},
        }
        vectors = [
            np.zeros(self.space.size, np.float32)
            if vector is None
            else to_unit(vector, self.space.size, f"pictures of {self.space}")
            for _, vector in described
        ]
        return self.put_rows(columns, np.array(vectors, np.float32).reshape(-1, self.space.size))

    def put_rows(self, columns: Mapping[str, Sequence[object]], vectors: np.ndarray) -> int:
        """Keep many rows at once; raises what `put` raises.

        `columns` are all but the vectors: (rows, size) float32 of unit length, or zero.
        """
        if not len(vectors):
            return 0
        schema = schema_of(self.space.size)
        flat = pa.array(np.ascontiguousarray(vectors, np.float32).ravel())
        arrays = [pa.array(columns[name], schema.field(name).type) for name in schema.names[:-1]]
        listed = pa.FixedSizeListArray.from_arrays(flat, self.space.size)
        rows = pa.table([*arrays, listed], names=schema.names).cast(schema)
        return self._stored.change(lambda table: add_rows(self._stored.folder, table, KEY, rows))

    def ids(self) -> set[str]:
        """Return the ids of the records that the model has described."""
        rows = self._stored.read(lambda table: read_columns(table, [KEY]), pa.table({KEY: []}))
        return set(rows.column(KEY).to_pylist())

    def vectors_of(self, evidence_ids: Sequence[str]) -> list[np.ndarray]:
        """Return the vectors, each (size,) float32, of those records that have one."""
        if not evidence_ids:
            return []
        from lancedb.expr import col

        def read(table: LanceTable) -> list[list[float]]:
            query = table.search().where(col(KEY).isin(list(evidence_ids)))
            rows = query.select([KEY, VECTOR]).limit(len(evidence_ids)).to_arrow()
            return list(rows.column(VECTOR).to_pylist())

        nothing: list[list[float]] = []
        vectors = np.array(self._stored.read(read, nothing), np.float32)
        return [vector for vector in vectors if vector.any()]

    def nearest(
        self,
        vector: np.ndarray,
        *,
        k: int = 10,
        record_filter: RecordFilter = EVERYTHING,
        exact: bool = False,
    ) -> Nearest | None:
        """Find the ids of the k records nearest to a text or a picture; None without a table.

        The vector is of this space; records that do not pass the filter are
        not compared at all. `exact` compares every record that fits, however many.

        Raises:
            PutAside: the vector has the wrong size, or no direction.
        """
        unit = to_unit(vector, self.space.size, f"pictures of {self.space}")
        if k <= 0:
            return None
        return self._stored.read(
            lambda table: find_nearest(
                table, VECTOR, unit, record_filter, k, [KEY], always_exact=exact
            ),
            None,
        )

    def search(
        self,
        vector: np.ndarray,
        records: EvidenceTable,
        *,
        k: int = 10,
        record_filter: RecordFilter = EVERYTHING,
        by: str = "text",
    ) -> SearchResult:
        """Find the k records whose picture fits best, best first, and read them from `records`.

        Records without a picture of their subject, or not described yet, are left out; arguments and
        errors as for `nearest`. `by` names the cosine in the matches.
        """
        nearest = self.nearest(vector, k=k + 1, record_filter=record_filter)
        if nearest is None:
            return SearchResult()
        ids = nearest.rows.column(KEY).to_pylist()
        cosines = dict(zip(ids, nearest.similarities.tolist(), strict=True))
        scored = [
            (record, cosines[record.evidence_id], {by: cosines[record.evidence_id]})
            for record in records.get_many([name for name in ids if cosines[name] != 0])
        ]
        others = max(0, records.count(record_filter) - nearest.fitting)
        ranked = rank_records(scored, k, nearest.is_exact, nearest.fitting)
        return replace(ranked, not_described=others)

    def count(self) -> int:
        """Count the records that the model has described."""
        return self._stored.read(lambda table: int(table.count_rows()), 0)

    def keep_up(self) -> list[str]:
        """Maintain the table; see `keep_up`."""
        return keep_up_pictures(self._stored) if self._stored.current() is not None else []
