"""Filter records by their facts, in the same way in every table of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from evidence_store.search.lean_lancedb import load_lancedb

if TYPE_CHECKING:
    from lancedb.expr import Expr

# columns that a filter asks for, with the kind of index that finds them in a large table
FACT_INDICES = {
    "camera_id": "bitmap",
    "zone_id": "bitmap",
    "rule_id": "bitmap",
    "outcome": "bitmap",
    "category": "bitmap",
    "subject_id": "btree",
    "ended_at": "btree",
}


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Facts that a record must have; None lets all through."""

    camera_id: str | None = None
    zone_id: str | None = None
    rule_id: str | None = None
    outcome: str | None = None
    category: str | None = None  # the rule's, such as street/loitering
    subject_id: str | None = None  # "camera/number"
    from_at: datetime | None = None  # the offence ended at or after this …
    # … and before this. Asking when it began as well would cost a large table two half scans.
    to_at: datetime | None = None

    @property
    def is_all(self) -> bool:
        """True where every record passes."""
        return self == RecordFilter()

    def expression(self) -> Expr | None:
        """Spell the filter for LanceDB; None where every record passes. Values cannot break out of it."""
        lancedb = load_lancedb()
        col, lit = lancedb.col, lancedb.lit
        names = ("camera_id", "zone_id", "rule_id", "outcome", "category", "subject_id")
        parts = [
            col(name) == lit(value) for name in names if (value := getattr(self, name)) is not None
        ]
        if self.from_at is not None:
            parts.append(col("ended_at") >= lit(self.from_at))
        if self.to_at is not None:
            parts.append(col("ended_at") < lit(self.to_at))
        return reduce(and_, parts) if parts else None


EVERYTHING = RecordFilter()
