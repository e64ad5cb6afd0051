"""Format evidence records as lines of a table and as JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from domain.evidence import EvidenceRecord

WIDTH_IN_A_PIPE = 160


def out() -> Console:
    """Open stdout: as wide as the terminal, or wide enough that nothing is cut off in a pipe."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_IN_A_PIPE)


def listing(
    records: Sequence[EvidenceRecord],
    more: Sequence[Sequence[str]] = (),
    titles: Sequence[str] = (),
) -> Table:
    """Make a table with a row for each record.

    Args:
        records: in the order shown.
        more: further cells of each row.
        titles: of those cells' columns.
    """
    table = Table(box=None, pad_edge=False)
    for title in ("evidence", "ended (UTC)", "camera", "rule", "outcome", "stay", "calls", "whole"):
        table.add_column(title, no_wrap=title in ("evidence", "ended (UTC)"))
    for title in titles:
        table.add_column(title)
    for number, record in enumerate(records):
        table.add_row(
            record.evidence_id,
            record.ended_at.strftime("%Y-%m-%d %H:%M:%S"),
            record.camera_id,
            record.rule_id,
            record.outcome,
            f"{record.dwell_s:.1f} s",
            str(record.rungs_spoken),
            "yes" if record.complete else "NO",
            *(more[number] if more else ()),
        )
    return table


def as_json(record: EvidenceRecord) -> dict[str, Any]:
    """Return the record without its vectors, as JSON values."""
    facts: dict[str, Any] = {
        name: getattr(record, name)
        for name in record.__slots__
        if name not in ("embedding", "appearance", "files", "missing")
    }
    for name, value in facts.items():
        if isinstance(value, datetime):
            facts[name] = value.astimezone(UTC).isoformat()
    facts["missing"] = list(record.missing)
    facts["files"] = [file.model_dump() for file in record.files]
    return facts
