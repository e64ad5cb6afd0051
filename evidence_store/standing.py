"""Which records a custody chain says are there, and what was added to them; nothing is checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.errors import PutAside
from evidence_store.canonical_json import from_canonical

AddedFiles = dict[str, str]  # name, beginning with "added/" -> SHA-256

_KINDS = tuple(
    f'"kind":"{kind}"'.encode() for kind in ("sealed", "erasing", "erased", "set aside", "added")
)


@dataclass(frozen=True, slots=True)
class ToldRecord:
    """One record, as the chain tells of it; equal as long as the chain tells the same."""

    manifest_sha256: str
    added: AddedFiles = field(default_factory=dict)


def standing_records(lines: Iterable[bytes]) -> dict[str, ToldRecord]:
    """Records that were sealed and neither erased nor set aside, by id.

    Args:
        lines: of the chain; those that cannot be read are passed over.
    """
    standing: dict[str, ToldRecord] = {}
    for line in lines:
        if not any(kind in line for kind in _KINDS):
            continue
        try:
            entry = from_canonical(line.rstrip(b"\n"))
            evidence_id = str(entry["evidence_id"])
            match entry["kind"]:
                case "sealed":
                    told = str(entry["details"]["manifest_sha256"])
                    standing[evidence_id] = ToldRecord(told)
                case "added" if evidence_id in standing:
                    added = {each["name"]: each["sha256"] for each in entry["details"]["files"]}
                    standing[evidence_id] = ToldRecord(standing[evidence_id].manifest_sha256, added)
                case "erasing" | "erased" | "set aside":
                    standing.pop(evidence_id, None)
        except (PutAside, KeyError, TypeError):
            continue
    return standing
