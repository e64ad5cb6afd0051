"""Which records' time is over, which are held, and when the next ones are due."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from domain.retention import Retention, end_of
from evidence_store.check_custody import ChainReport
from evidence_store.holds import Hold
from evidence_store.table import EvidenceTable
from evidence_store.vault import Vault

CAME_BACK = "was erased before and is there again, as after restoring a backup"


@dataclass(frozen=True, slots=True)
class Standing:
    """One record's place in retention."""

    evidence_id: str
    outcome: str
    rule_id: str
    kept_since: datetime  # when it was sealed
    term: str
    because: str  # the line of the site file
    due_at: datetime
    held_by: tuple[str, ...]  # ids of holds

    def is_due(self, now: datetime) -> bool:
        """True where it is to be erased now."""
        return self.due_at <= now and not self.held_by


def standings(
    retention: Retention,
    category_of: Callable[[str, str], str | None],
    table: EvidenceTable,
    vault: Vault,
    report: ChainReport,
    holds: Collection[Hold],
) -> list[Standing]:
    """Every record's, those due first; what is being erased already is left out.

    Args:
        category_of: category of a rule's id, for a record's id: the rule may not be in the site file
            any more.
        report: of the chain; it says when each record was sealed, signed.
    """
    held: dict[str, list[str]] = {}
    for hold in holds:
        if hold.evidence_id:
            held.setdefault(hold.evidence_id, []).append(hold.hold_id)
    found = []
    for evidence_id, outcome, rule_id, ended_at in _facts(table, vault):
        if evidence_id in report.erasing:
            continue
        if evidence_id in report.erased:
            term, because, since = "", CAME_BACK, ended_at
            due_at = datetime.fromtimestamp(0, UTC)
        else:
            term, because = retention.term_of(outcome, category_of(rule_id, evidence_id))
            # the end of an offence is in the footage's own time, which for files may be years ago
            sealing = report.sealings.get(evidence_id)
            since = (_moment(sealing.at) if sealing else None) or ended_at
            due_at = end_of(term, since)
        by = tuple(held.get(evidence_id, ()))
        found.append(Standing(evidence_id, outcome, rule_id, since, term, because, due_at, by))
    return sorted(found, key=lambda each: (each.due_at, each.evidence_id))


def _facts(table: EvidenceTable, vault: Vault) -> Iterator[tuple[str, str, str, datetime]]:
    """(id, outcome, rule, end of the offence) of each record with a row or a folder."""
    rows = _rows(table)
    known = set()
    for row in rows.to_pylist():
        known.add(row["evidence_id"])
        yield row["evidence_id"], row["outcome"], row["rule_id"], row["ended_at"]
    for evidence_id in vault.ids():
        if evidence_id not in known and (record := vault.read(evidence_id)) is not None:
            yield evidence_id, record.outcome, record.rule_id, record.ended_at


def _rows(table: EvidenceTable) -> pa.Table:
    columns = ["evidence_id", "outcome", "rule_id", "ended_at"]
    if table.lance is None:
        return pa.table({name: pa.array([]) for name in columns})
    # not through `facts`, which reads the vectors, too: a million of them are gigabytes
    return table.lance.search().select(columns).limit(max(1, table.count())).to_arrow()


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
