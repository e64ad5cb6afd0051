"""Evidence, masked clips and the custody chain; and what a killed write left lying about."""

from __future__ import annotations

from collections import Counter

from benchmarks.chaos.left import Left
from benchmarks.chaos.tally import Tally
from domain.events.catalog import EvidenceMasked, EvidenceSealed, OutcomeData
from domain.ids import mint


def count_evidence(left: Left, tally: Tally) -> None:
    """Count that each ended offence has one record: one event, one folder, one row, one entry; and it verifies."""
    due = Counter(mint("evd", event.subject) for event, _ in left.of(OutcomeData))
    tally.compare("evidence", due, Counter(data.evidence_id for _, data in left.of(EvidenceSealed)))
    for where, found in (
        ("in the vault", Counter(left.folders)),
        ("in the table", Counter(left.rows)),
        ("in the chain", left.told("sealed")),
    ):
        tally.lose("evidence", (f"{each} is not {where}" for each in (due - found)))
        tally.double("evidence", (f"{each} is {where} once too often" for each in (found - due)))
    for evidence_id, problems in left.problems.items():
        tally.lose("evidence" if evidence_id else "custody chain", problems)
    aside = left.told("set aside")
    tally.lose("evidence", (f"{each} did not verify and was sealed anew" for each in aside))
    missing = Counter(
        part for _, data in left.of(EvidenceSealed) for part in data.missing if not data.complete
    )
    tally.remarks["records with parts missing"] += sum(
        not data.complete for _, data in left.of(EvidenceSealed)
    )
    tally.remarks.update(Counter(f"missing: {each[:60]}" for each in missing.elements()))


def count_masked(left: Left, tally: Tally) -> None:
    """Count that each record has its masked clips once: one event, one entry, nothing else beside it."""
    sealed = Counter(data.evidence_id for _, data in left.of(EvidenceSealed))
    masked = [data for _, data in left.of(EvidenceMasked)]
    tally.compare("masked clip", sealed, Counter(each.evidence_id for each in masked))
    made = Counter(each.evidence_id for each in masked if each.files)
    told = left.told("added")
    tally.lose("masked clip", (f"the chain does not tell of {each}'s" for each in (made - told)))
    tally.double("masked clip", (f"the chain tells of {each}'s again" for each in (told - made)))
    with_clip = {
        data.evidence_id
        for _, data in left.of(EvidenceSealed)
        if any(file.role == "clip" for file in data.files)
    }
    for each in masked:
        if not each.files and each.evidence_id in with_clip:
            tally.lose("masked clip", [f"{each.evidence_id}: {each.reason}"])


def count_chain(left: Left, tally: Tally) -> None:
    """Count that every link holds; lines that a crash cut off and the next one mended are only remarked on."""
    tally.seen["custody chain"] += len(left.entries)
    tally.remarks["lines of the chain cut off and mended"] += len(left.chain.remarks)


def count_unfinished(left: Left, tally: Tally) -> None:
    """Count what is left plain that should be encrypted, and parts that pass for a whole."""
    for name in left.unfinished:
        if name.startswith("evidence/"):
            tally.lose("evidence", [f"{name} was left, with originals in it that are plain"])
        else:
            tally.remarks[f"left: {name.rsplit('/', 1)[-1][:24]}"] += 1
