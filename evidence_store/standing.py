"""Which records a custody chain says are there, and what was added to them; nothing is checked."""

from __future__ import annotations

from collections.abc import Iterable

from domain.errors import PutAside
from evidence_store.canonical_json import from_canonical

AddedFiles = dict[str, str]  # name, beginning with "added/" -> SHA-256

_KINDS = tuple(
    f'"kind":"{kind}"'.encode() for kind in ("sealed", "erasing", "erased", "set aside", "added")
)


def standing_records(lines: Iterable[bytes]) -> dict[str, AddedFiles]:
    """Records that were sealed and neither erased nor set aside, by id, with what was added to each.

    Args:
        lines: of the chain; those that cannot be read are passed over.
    """
    standing: dict[str, AddedFiles] = {}
    for line in lines:
        if not any(kind in line for kind in _KINDS):
            continue
        try:
            entry = from_canonical(line.rstrip(b"\n"))
            evidence_id = str(entry["evidence_id"])
            match entry["kind"]:
                case "sealed":
                    standing[evidence_id] = {}
                case "added" if evidence_id in standing:
                    files = entry["details"]["files"]
                    standing[evidence_id] = {each["name"]: each["sha256"] for each in files}
                case "erasing" | "erased" | "set aside":
                    standing.pop(evidence_id, None)
        except (PutAside, KeyError, TypeError):
            continue
    return standing
