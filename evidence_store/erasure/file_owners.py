"""Tell whose a file is that still holds a piece of an erased record: its own, or another record's."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from domain.data_dir import DataDir
from evidence_store.erasure.residue_search import Fingerprint, Hit
from evidence_store.vault.sealed_files import EVIDENCE_ID


def owner_of(data: DataDir, path: Path) -> str:
    """Return the record that a file of the vault, or of a draft there, belongs to; "" elsewhere."""
    if not path.is_relative_to(data.evidence):
        return ""
    match = EVIDENCE_ID.search(path.relative_to(data.evidence).parts[0])
    return match[0] if match else ""


def place_of(data: DataDir, path: Path) -> str:
    """Return a record's id, or the path of a recording."""
    return owner_of(data, path) or path.relative_to(data.root).as_posix()


def count_shared(
    data: DataDir, hits: Sequence[Hit], marks: Sequence[Fingerprint]
) -> dict[str, dict[str, str]]:
    """Count what stays in other records and pinned footage: place -> file -> "pieces found/of how many".

    All of a file's pieces: the same picture or footage. Some: the same still scenery.
    """
    of = Counter(mark.of for mark in marks)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for place, name, _ in {(place_of(data, hit.path), hit.of, hit.mark.starts) for hit in hits}:
        counts[place][name] += 1
    return {
        place: {name: f"{count}/{of[name]}" for name, count in sorted(names.items())}
        for place, names in sorted(counts.items())
    }
