"""Read from a custody chain which records are there, what was added to them, and which were erased.

Nothing is checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from domain.errors import PutAside
from evidence_store.custody.chain import CustodyChain, Entry, readable_entries
from evidence_store.files.canonical_json import from_canonical

_KINDS = tuple(
    f'"kind":"{kind}"'.encode() for kind in ("sealed", "erasing", "erased", "set aside", "added")
)


class AlreadyErased(PutAside):
    """The record was erased, and is not to be made anew."""


@dataclass(frozen=True, slots=True)
class RecordOnChain:
    """One record, as the chain has it; equal as long as the chain says the same."""

    manifest_sha256: str
    added: dict[str, str] = field(default_factory=dict)  # name, begins with "added/" -> SHA-256


def standing_records(lines: Iterable[bytes]) -> dict[str, RecordOnChain]:
    """Return what was sealed and neither erased nor set aside, by id; unreadable lines are passed over."""
    standing: dict[str, RecordOnChain] = {}
    relevant = (line for line in lines if any(kind in line for kind in _KINDS))
    for entry in readable_entries(relevant):
        with suppress(KeyError, TypeError):
            evidence_id = str(entry["evidence_id"])
            match entry["kind"]:
                case "sealed":
                    manifest_sha256 = str(entry["details"]["manifest_sha256"])
                    standing[evidence_id] = RecordOnChain(manifest_sha256)
                case "added" if evidence_id in standing:
                    added = {file["name"]: file["sha256"] for file in entry["details"]["files"]}
                    manifest_sha256 = standing[evidence_id].manifest_sha256
                    standing[evidence_id] = RecordOnChain(manifest_sha256, added)
                case "erasing" | "erased" | "set aside":
                    standing.pop(evidence_id, None)
    return standing


def check_not_erased(evidence_id: str, chain: CustodyChain) -> None:
    """Raise AlreadyErased for a record that was or is being erased: nothing may be made of it any more."""
    for entry in reversed(chain.about(evidence_id)):
        if entry["kind"] in ("erasing", "erased"):
            state = "is being" if entry["kind"] == "erasing" else "was"
            raise AlreadyErased(
                f"{evidence_id}: {state} erased, says custody entry {entry['number']}: nothing is made "
                "of it, added to it or held of it any more"
            )


def ended_erasures(chain: CustodyChain) -> dict[int, Entry]:
    """Return the "erased" entries by the number of the entry that began each; raises as `lines` does."""
    ended = {}
    for line in chain.lines():
        if b'"kind":"erased"' in line:
            with suppress(ValueError, KeyError, TypeError):
                entry = from_canonical(line.rstrip(b"\n"))
                ended[int(entry["details"]["begun_by"])] = entry
    return ended
