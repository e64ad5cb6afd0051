"""Convert evidence records to rows of the evidence table and back, by its Arrow schema."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from domain.errors import PutAside
from domain.events.catalog import EvidenceFile
from domain.evidence import APPEARANCE_SIZE, EMBEDDING_SIZE, EvidenceRecord

VECTOR_SIZES = {"embedding": EMBEDDING_SIZE, "appearance": APPEARANCE_SIZE}


def _field(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


def _list_of(kind: pa.DataType) -> pa.DataType:
    return pa.list_(_field("item", kind))


_UTC = pa.timestamp("us", tz="UTC")
_FILE = pa.struct(
    [
        _field("name", pa.string()),
        _field("role", pa.string()),
        _field("sha256", pa.string()),
        _field("size_bytes", pa.int64()),
    ]
)
SCHEMA = pa.schema(
    [
        _field("evidence_id", pa.string()),
        _field("offence_id", pa.string()),
        _field("site_id", pa.string()),
        _field("camera_id", pa.string()),
        _field("zone_id", pa.string()),
        _field("rule_id", pa.string()),
        _field("subject_id", pa.string()),
        _field("outcome", pa.string()),
        _field("first_seen_at", _UTC),
        _field("ended_at", _UTC),
        _field("dwell_s", pa.float64()),
        _field("rungs_spoken", pa.int32()),
        _field("best_score", pa.float64()),
        _field("subject_height_px", pa.float64()),
        _field("clip_duration_s", pa.float64()),
        _field("clip_from_at", _UTC),
        _field("complete", pa.bool_()),
        _field("missing", _list_of(pa.string())),
        _field("files", _list_of(_FILE)),
        _field("embedding", pa.list_(_field("item", pa.float32()), EMBEDDING_SIZE)),
        _field("appearance", pa.list_(_field("item", pa.float32()), APPEARANCE_SIZE)),
        _field("model_versions", pa.string()),
        _field("software_version", pa.string()),
        _field("category", pa.string()),
    ]
)
# columns that tables of older versions lack, with SQL for what their rows then say
ADDED_LATER = {"category": "''"}
FACTS = [name for name in SCHEMA.names if name not in VECTOR_SIZES]


def to_arrow(records: Iterable[EvidenceRecord]) -> pa.Table:
    """Convert records to rows of the table's schema; raises PutAside if a value does not fit."""
    rows = []
    for record in records:
        row = {name: getattr(record, name) for name in SCHEMA.names}
        row["missing"] = list(record.missing)
        row["files"] = [file.model_dump() for file in record.files]
        for name, size in VECTOR_SIZES.items():
            vector = np.asarray(row[name], dtype=np.float32)
            if vector.shape != (size,) or not np.isfinite(vector).all():
                raise PutAside(
                    f"{record.evidence_id}: {name} should be {size} finite numbers, "
                    f"got {vector.shape}"
                )
            row[name] = vector
        for name in ("first_seen_at", "ended_at", "clip_from_at"):
            if row[name].tzinfo is None:
                raise PutAside(f"{record.evidence_id}: {name} needs a time zone, got {row[name]}")
        rows.append(row)
    try:
        return pa.Table.from_pylist(rows, schema=SCHEMA)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise PutAside(f"evidence does not fit the table: {error}") from error


def from_arrow(rows: pa.Table) -> list[EvidenceRecord]:
    """Convert rows of the table's schema to records."""
    vectors = {name: vector_matrix(rows, name, size) for name, size in VECTOR_SIZES.items()}
    records = []
    for number, row in enumerate(rows.select(FACTS).to_pylist()):
        row["missing"] = tuple(row["missing"])
        row["files"] = tuple(EvidenceFile.model_validate(file) for file in row["files"])
        records.append(
            EvidenceRecord(
                **row,
                embedding=vectors["embedding"][number],
                appearance=vectors["appearance"][number],
            )
        )
    return records


def vector_matrix(rows: pa.Table, name: str, size: int) -> np.ndarray:
    """Read a vector column as (rows, size) float32, without a Python object for each number."""
    column = rows.column(name).combine_chunks()
    flat = column.flatten() if isinstance(column, pa.FixedSizeListArray) else pa.array([])
    matrix: np.ndarray = flat.to_numpy(zero_copy_only=False).astype(np.float32)
    return matrix.reshape(len(rows), size)
