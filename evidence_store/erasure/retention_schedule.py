"""Work out which records are due, which are held, and when the next ones are due."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.site.retention import Retention, end_of
from evidence_store.custody.chain_check import ChainReport
from evidence_store.erasure.legal_holds import Hold
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.vault import Vault

CAME_BACK = "was erased before and is there again, as after restoring a backup"


@dataclass(frozen=True, slots=True)
class RecordTerm:
    """How long one record is kept, why, and by whom it is held."""

    evidence_id: str
    outcome: str
    rule_id: str
    kept_since: datetime  # when it was sealed
    term: str
    because: str  # the line of the site file
    due_at: datetime
    held_by: tuple[str, ...]  # ids of holds

    def is_due(self, now: datetime) -> bool:
        """Return True where it is to be erased now."""
        return self.due_at <= now and not self.held_by


def standings(
    retention: Retention,
    category_of: Callable[[str, str], str | None],
    table: EvidenceTable,
    vault: Vault,
    report: ChainReport,
    holds: Collection[Hold],
) -> list[RecordTerm]:
    """Return every record's term, those due first; what is being erased already is left out.

    `category_of` gives the category of a rule's id, for a record's id: the rule may not be in the site file
    any more. Records without a row are read from the vault. The chain's report says when each was sealed.
    """
    held: dict[str, list[str]] = {}
    for hold in holds:
        held.setdefault(hold.evidence_id, []).append(hold.hold_id)
    terms = []
    for evidence_id, outcome, rule_id, ended_at in _facts(table, vault):
        if evidence_id in report.erasing:
            continue
        if evidence_id in report.erased:
            term, because, since = "", CAME_BACK, ended_at
            due_at = datetime.fromtimestamp(0, UTC)
        else:
            term, because = retention.term_of(outcome, category_of(rule_id, evidence_id))
            # the end of an offence is in the footage's own time, which for files may be years ago
            since = ended_at
            if sealing := report.sealings.get(evidence_id):
                with suppress(ValueError):
                    since = datetime.fromisoformat(sealing.at)
            due_at = end_of(term, since)
        by = tuple(held.get(evidence_id, ()))
        terms.append(RecordTerm(evidence_id, outcome, rule_id, since, term, because, due_at, by))
    return sorted(terms, key=lambda record: (record.due_at, record.evidence_id))


def _facts(table: EvidenceTable, vault: Vault) -> Iterator[tuple[str, str, str, datetime]]:
    """Yield (id, outcome, rule, end of the offence) of each record with a row or a folder."""
    known = set()
    # not through `facts`, which reads the vectors, too: a million of them are gigabytes
    for row in table.columns(["evidence_id", "outcome", "rule_id", "ended_at"]).to_pylist():
        known.add(row["evidence_id"])
        yield row["evidence_id"], row["outcome"], row["rule_id"], row["ended_at"]
    for evidence_id in vault.ids():
        if evidence_id not in known and (record := vault.read(evidence_id)) is not None:
            yield evidence_id, record.outcome, record.rule_id, record.ended_at
