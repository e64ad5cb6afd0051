"""What a picture-and-text pair of models saw in each record: a table of vectors for each pair.

Vectors of two models have nothing in common, so each pair has a table of its own, named after the
hash of its weights; every row says it, too. A row repeats the facts that searches filter by.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from domain.errors import Stop, TryAgain
from domain.evidence import EvidenceRecord
from evidence_store.alike import Found, rank
from evidence_store.lance import (
    check_schema,
    connect,
    insert_new,
    is_there,
    open_or_make,
    set_key,
    table_names,
)
from evidence_store.nearest import Nearest, find_nearest, to_unit
from evidence_store.table_lock import writing_rows
from evidence_store.upkeep import Indices, keep_up
from evidence_store.wanted import EVERYTHING, FACT_INDICES, Wanted

if TYPE_CHECKING:
    from lancedb.table import LanceTable

    from evidence_store.table import EvidenceTable

PREFIX = "pictures-"
KEY, VECTOR = "evidence_id", "vector"
INDICES = Indices(facts={KEY: "btree", **FACT_INDICES}, vectors=(VECTOR,))
_UTC = pa.timestamp("us", tz="UTC")
_TIMES = ("ended_at",)


@dataclass(frozen=True, slots=True)
class PairId:
    """Which pair of models: its vectors are comparable with no other's."""

    name: str
    sha256: str  # of both towers' weights and of how pictures and texts are prepared
    size: int  # numbers in a vector

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", self.name) or self.size < 2:
            raise Stop(
                f"a pair needs a name like clip_b32 and vectors of 2 numbers at least: {self}"
            )

    def __str__(self) -> str:
        return f"{self.name}={self.sha256[:12]}"

    @property
    def table_name(self) -> str:
        """The pair's own table."""
        return f"{PREFIX}{self.name}-{self.sha256[:12]}"


def schema_of(size: int) -> pa.Schema:
    """What a row is."""
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


def picture_tables(path: Path) -> list[LanceTable]:
    """LanceDB's own handles of every pair's table, for caretakers: erasing, upkeep."""
    if not path.exists():
        return []
    db = connect(path)
    return [db.open_table(name) for name in table_names(db) if name.startswith(PREFIX)]


def keep_up_pictures(path: Path, table: LanceTable) -> list[str]:
    """Tidy one of `picture_tables`, and build the indices that it has grown into.

    Raises:
        TryAgain: LanceDB could not; the rows are as they were.
    """
    try:
        with writing_rows(path):  # an index built meanwhile must not bring back what is erased
            return keep_up(table, path, INDICES)
    except (OSError, RuntimeError) as error:
        raise TryAgain(f"{path}/{table.name}: upkeep failed: {error}") from error


class PictureVectors:
    """Vectors of one pair; safe for several processes at once."""

    def __init__(self, path: Path, pair: PairId, table: LanceTable | None) -> None:
        self._path, self.pair, self._table = path, pair, table

    @classmethod
    def open(cls, path: Path, pair: PairId, *, create: bool = True) -> Self:
        """Open a pair's table in a LanceDB folder.

        Args:
            create: make it where there is none; else a missing table is one without rows.
        Raises:
            TryAgain: the folder cannot be read or made now.
            Stop: there is a table that is not this version's.
        """
        if not create and not is_there(path, pair.table_name):
            return cls(path, pair, None)
        schema = schema_of(pair.size)
        try:
            table = open_or_make(connect(path, writes=create), pair.table_name, schema)
            check_schema(path / pair.table_name, table.schema, schema, frozenset())
            if create:
                set_key(table, KEY)
        except (OSError, RuntimeError) as error:
            raise TryAgain(f"{path}/{pair.table_name}: cannot be opened: {error}") from error
        return cls(path, pair, table)

    def put(self, described: Sequence[tuple[EvidenceRecord, np.ndarray | None]]) -> int:
        """Keep what the pair saw in records; those that are there already stay as they are.

        Args:
            described: records with their vectors; None where there is no picture of the subject,
                so that it is not looked for again.
        Returns:
            how many were new.
        Raises:
            PutAside: a vector has the wrong size, or no direction.
            TryAgain: the folder cannot be written now.
        """
        columns: dict[str, list[object]] = {
            KEY: [record.evidence_id for record, _ in described],
            "pair": [str(self.pair)] * len(described),
            **{name: [getattr(each, name) for each, _ in described] for name in FACT_INDICES},
        }
        vectors = [
            np.zeros(self.pair.size, np.float32)
            if vector is None
            else to_unit(vector, self.pair.size, f"pictures of {self.pair}")
            for _, vector in described
        ]
        return self.put_rows(columns, np.array(vectors, np.float32).reshape(-1, self.pair.size))

    def put_rows(self, columns: Mapping[str, Sequence[object]], vectors: np.ndarray) -> int:
        """As `put`, for many rows at once.

        Args:
            columns: every column of the schema but the vectors.
            vectors: (rows, size) float32 of unit length, or zero.
        """
        if not len(vectors):
            return 0
        schema = schema_of(self.pair.size)
        flat = pa.array(np.ascontiguousarray(vectors, np.float32).ravel())
        arrays = [pa.array(columns[name], schema.field(name).type) for name in schema.names[:-1]]
        listed = pa.FixedSizeListArray.from_arrays(flat, self.pair.size)
        rows = pa.table([*arrays, listed], names=schema.names).cast(schema)
        try:
            with writing_rows(self._path):
                return insert_new(self._written(), KEY, rows)
        except (OSError, RuntimeError) as error:
            raise TryAgain(
                f"{self._path}/{self.pair.table_name}: cannot be written: {error}"
            ) from error

    def ids(self) -> set[str]:
        """Records that the pair has looked at."""
        if self._table is None:
            return set()
        rows = self._table.search().select([KEY]).limit(max(1, self.count())).to_arrow()
        return set(rows.column(KEY).to_pylist())

    def nearest(
        self, vector: np.ndarray, *, k: int = 10, wanted: Wanted = EVERYTHING, exact: bool = False
    ) -> Nearest | None:
        """Ids of the k records that a text or a picture is nearest to; None without a table.

        Args:
            vector: of the pair's own text or picture tower.
            exact: compare every record that fits, however many.
        Raises:
            PutAside: the vector has the wrong size, or no direction.
        """
        unit = to_unit(vector, self.pair.size, f"pictures of {self.pair}")
        if self._table is None or k <= 0:
            return None
        return find_nearest(self._table, VECTOR, unit, wanted, k, [KEY], always_exact=exact)

    def search(
        self,
        vector: np.ndarray,
        records: EvidenceTable,
        *,
        k: int = 10,
        wanted: Wanted = EVERYTHING,
    ) -> Found:
        """Records whose picture fits best, best first; those without a picture are left out.

        Args:
            records: the table that knows what else is to be said of them.
        """
        nearest = self.nearest(vector, k=k + 1, wanted=wanted)
        if nearest is None:
            return Found()
        ids = nearest.rows.column(KEY).to_pylist()
        cosines = dict(zip(ids, nearest.similarities.tolist(), strict=True))
        found = records.get_many([each for each in ids if cosines[each] != 0])
        scored = [
            (each, cosines[each.evidence_id], {"text": cosines[each.evidence_id]}) for each in found
        ]
        return rank(scored, k, nearest.is_exact, nearest.fitting)

    def count(self) -> int:
        """How many records the pair has looked at."""
        return 0 if self._table is None else int(self._table.count_rows())

    def keep_up(self) -> list[str]:
        """Tidy, and build the indices that the table has grown into; see EvidenceTable.keep_up."""
        return keep_up_pictures(self._path, self._table) if self._table is not None else []

    def _written(self) -> LanceTable:
        if self._table is None:
            raise Stop(f"{self._path}/{self.pair.table_name}: was opened for reading, is not there")
        return self._table
