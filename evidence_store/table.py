"""The evidence table: one row in LanceDB for each sealed record, found by facts or by likeness.

Rows are only ever added. The files they vouch for lie in the vault; the row carries their hashes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pyarrow as pa
import structlog
from lancedb.expr import Expr, col, lit

from domain.errors import PutAside, Stop, TryAgain
from domain.evidence import EvidenceRecord
from evidence_store.rows import FACTS, SCHEMA, VECTOR_SIZES, from_arrow, to_arrow, vector_matrix

if TYPE_CHECKING:
    from lancedb.table import LanceTable

TABLE_NAME = "evidence"
Vector = Literal["embedding", "appearance"]
Matches = list[tuple[EvidenceRecord, float]]  # best first

# LanceDB's default caches grow to gigabytes in a process that lives long
CACHE_BYTES = 64 * 1024 * 1024
CLEANUP_AFTER = timedelta(days=1)
# a search over 200 one-row fragments took five times as long as over one
TIDY_EVERY_ROWS = 50

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
        if not create and not (path / f"{TABLE_NAME}.lance").exists():
            return cls(path, None)
        # glibc keeps an arena for each of LanceDB's threads, each as large as its largest moment
        os.environ.setdefault("MALLOC_ARENA_MAX", "2")
        os.environ.setdefault("LANCE_LOG", "error")
        import lancedb

        try:
            path.mkdir(parents=True, exist_ok=True)
            db = lancedb.connect(
                str(path),
                # a handle would else never see what other processes write
                read_consistency_interval=timedelta(0),
                session=lancedb.Session(
                    index_cache_size_bytes=CACHE_BYTES, metadata_cache_size_bytes=CACHE_BYTES
                ),
            )
            table = _open_or_make(db)
            _check_schema(path, table.schema)
            if create:
                _set_key(table)
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
        # use_index(False): an index on the key makes concurrent writers miss each other's rows
        merge = table.merge_insert("evidence_id").use_index(False).when_not_matched_insert_all()
        try:
            result = merge.execute(rows)
        except (OSError, RuntimeError) as error:
            raise TryAgain(
                f"evidence table {self._path}: {len(records)} rows could not be written: {error}"
            ) from error
        added = int(result.num_inserted_rows)
        self._added_since_tidy += added
        if self._added_since_tidy >= TIDY_EVERY_ROWS:
            self._tidy()
        return added

    def _tidy(self) -> None:
        """Now and then, by the writer itself: each write leaves a fragment and a version."""
        self._added_since_tidy = 0
        try:
            self.optimize()
        except (OSError, RuntimeError) as error:
            # the rows are safe; a table that is not tidied is only slower
            log.warning("evidence_table_not_tidied", table=str(self._path), reason=str(error))

    def get(self, evidence_id: str) -> EvidenceRecord | None:
        """One record; None if there is none of that id."""
        if self._table is None:
            return None
        query = self._table.search().where(col("evidence_id") == lit(evidence_id)).limit(1)
        found = from_arrow(query.to_arrow())
        return found[0] if found else None

    def list(
        self,
        camera_id: str | None = None,
        rule_id: str | None = None,
        outcome: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> list[EvidenceRecord]:
        """Records that ended last first; `since` counts the end of the offence."""
        if self._table is None:
            return []
        from lancedb.query import ColumnOrdering

        query = self._table.search()
        wanted = _filter(camera_id, rule_id, outcome, since)
        if wanted is not None:
            query = query.where(wanted)
        newest_first = [
            ColumnOrdering(column_name="ended_at", ascending=False),
            ColumnOrdering(column_name="evidence_id"),
        ]
        return from_arrow(query.order_by(newest_first).limit(limit).to_arrow())

    def search(
        self,
        vector: np.ndarray,
        *,
        by: Vector = "embedding",
        k: int = 10,
        camera_id: str | None = None,
        rule_id: str | None = None,
        outcome: str | None = None,
        since: datetime | None = None,
    ) -> Matches:
        """Records whose subject looks most like a vector, best first; exact, no index.

        Args:
            vector: (1280,) for "embedding", (256,) for "appearance"; any length but zero.
        Returns:
            pairs of record and cosine similarity in [-1, 1]. Records without a picture of their
            subject have no vector and are left out.
        Raises:
            PutAside: the vector has the wrong size, or no direction.
        """
        unit = _unit(vector, VECTOR_SIZES[by], by)
        if self._table is None or k <= 0:
            return []
        # on unit vectors the dot product is the cosine, and for absent (zero) ones it is defined
        query = self._table.search(unit, vector_column_name=by).distance_type("dot")
        wanted = _filter(camera_id, rule_id, outcome, since)
        if wanted is not None:
            query = query.where(wanted, prefilter=True)
        found = query.bypass_vector_index().limit(k).to_arrow()
        # 1 - dot product; smallest first
        similarities = [1.0 - float(each) for each in found.column("_distance").to_pylist()]
        records = from_arrow(found.drop_columns(["_distance"]))
        return [
            pair for pair in zip(records, similarities, strict=True) if getattr(pair[0], by).any()
        ]

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
        """Join small fragments and drop versions older than a day; for one caretaker process."""
        if self._table is not None:
            self._table.optimize(cleanup_older_than=CLEANUP_AFTER)

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


def _open_or_make(db: Any) -> LanceTable:
    if TABLE_NAME not in db.list_tables().tables:
        try:
            db.create_table(TABLE_NAME, schema=SCHEMA)
        except (OSError, ValueError, RuntimeError):
            if TABLE_NAME not in db.list_tables().tables:  # else another process was faster
                raise
    table: LanceTable = db.open_table(TABLE_NAME)
    return table


def _set_key(table: LanceTable) -> None:
    """Name the key column, without which two processes that add one record both succeed.

    Also where the process that made the table was killed before it came to this.
    """
    if _has_key(table):
        return
    try:
        table.set_unenforced_primary_key("evidence_id")
    except (OSError, ValueError, RuntimeError):
        table.checkout_latest()  # type: ignore[no-untyped-call]
        if not _has_key(table):  # else another process was faster
            raise


def _has_key(table: LanceTable) -> bool:
    metadata = table.schema.field("evidence_id").metadata or {}
    return any(b"primary-key" in name for name in metadata)


def _check_schema(path: Path, schema: pa.Schema) -> None:
    wanted, came = _columns(SCHEMA), _columns(schema)
    if wanted != came:
        differing = sorted({name for name, _ in {*wanted} ^ {*came}})
        raise Stop(
            f"evidence table {path}: needs this version's columns, differs in "
            f"{', '.join(differing) or 'their order'}; was it written by another version?"
        )


def _columns(schema: pa.Schema) -> list[tuple[str, str]]:
    # LanceDB drops "not null" inside of vectors
    return [(field.name, str(field.type).replace(" not null", "")) for field in schema]


def _filter(
    camera_id: str | None, rule_id: str | None, outcome: str | None, since: datetime | None
) -> Expr | None:
    parts: list[Expr] = [
        col(name) == lit(value)
        for name, value in (("camera_id", camera_id), ("rule_id", rule_id), ("outcome", outcome))
        if value is not None
    ]
    if since is not None:
        parts.append(col("ended_at") >= lit(since))
    wanted = None
    for part in parts:
        wanted = part if wanted is None else wanted & part
    return wanted


def _unit(vector: np.ndarray, size: int, name: str) -> np.ndarray:
    flat = np.asarray(vector, dtype=np.float32).reshape(-1)
    length = float(np.linalg.norm(flat))
    if flat.shape != (size,) or not np.isfinite(length) or length == 0:
        raise PutAside(
            f"searching by {name} needs {size} finite numbers, not all zero; "
            f"got shape {np.shape(vector)} of length {length}"
        )
    unit: np.ndarray = flat / np.float32(length)
    return unit
