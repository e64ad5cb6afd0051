"""Put records in the order of their end, and find the ones before and after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.evidence import EvidenceRecord

if TYPE_CHECKING:
    from lancedb.expr import Expr
    from lancedb.query import ColumnOrdering
    from lancedb.table import LanceTable


def in_order(key: str, *, is_newest_first: bool) -> list[ColumnOrdering]:
    """Spell the order of records for LanceDB: by their end, those of one moment by `key`, the id's column."""
    from lancedb.query import ColumnOrdering

    return [
        ColumnOrdering(column_name="ended_at", ascending=not is_newest_first),
        ColumnOrdering(column_name=key, ascending=is_newest_first),
    ]


def ids_beside(table: LanceTable, key: str, record: EvidenceRecord) -> tuple[str, str]:
    """Return the ids of the next older and the next newer record; "" where there is none."""
    from lancedb.expr import col, lit

    ended, at, evidence_id = col("ended_at"), lit(record.ended_at), lit(record.evidence_id)
    same = ended == at

    def first(where: Expr, *, is_newest_first: bool) -> str:
        order = in_order(key, is_newest_first=is_newest_first)
        query = table.search().where(where).select([key, "ended_at"]).order_by(order).limit(1)
        return str(next(iter(query.to_arrow().column(key).to_pylist()), ""))

    older = first((ended < at) | (same & (col(key) > evidence_id)), is_newest_first=True)
    newer = first((ended > at) | (same & (col(key) < evidence_id)), is_newest_first=False)
    return older, newer
