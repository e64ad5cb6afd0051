"""Walk the custody chain and name the first entry that is not as it was written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from domain.errors import PutAside
from evidence_store.canonical_json import from_canonical, to_canonical
from evidence_store.custody import FORMAT, CustodyChain, Entry, link_to
from evidence_store.keys import PublicKeys, fault_of_signature

_MEMBERS: dict[str, type] = {
    "format": str,
    "number": int,
    "at": str,
    "who": str,
    "kind": str,
    "evidence_id": str,
    "details": dict,
    "previous": str,
    "key_id": str,
    "signature": str,
}


@dataclass(frozen=True, slots=True)
class Sealing:
    """The entry that tells of a record's sealing."""

    number: int
    sha256: str  # of its line: what a time stamp is of
    at: str  # by this machine's clock, ISO 8601


@dataclass
class ChainReport:
    """What the chain says, as far as it holds."""

    entries: int = 0  # that hold
    unsigned: int = 0  # of them
    problems: list[str] = field(default_factory=list)  # at most one: the first broken entry
    remarks: list[str] = field(default_factory=list)  # crashes that were mended
    sealed: dict[str, str] = field(default_factory=dict)  # evidence id -> SHA-256 of its manifest
    erased: set[str] = field(default_factory=set)
    sealings: dict[str, Sealing] = field(default_factory=dict)  # by evidence id
    stamps: dict[int, Entry] = field(
        default_factory=dict
    )  # number of a sealing -> its stamp's entry


def check_chain(chain: CustodyChain, keys: PublicKeys) -> ChainReport:
    """Check every link and signature of a data folder's chain.

    What was cut off at the very end cannot be seen from the chain alone; the records it told of can.
    """
    return check_lines(chain.lines(), keys, chain.path.name)


def check_lines(lines: Iterable[bytes], keys: PublicKeys, name: str) -> ChainReport:
    """The same for lines from anywhere.

    Args:
        name: of the file, for messages.
    """
    report = ChainReport()
    before, held = b"", ""  # held: the fault of an unreadable line, until we see what follows it
    for number, line in enumerate(lines, start=1):
        entry, fault = _read(line, number, before)
        if not fault:
            fault = _fault_of_signing(entry, keys, is_chain_signed=report.entries > report.unsigned)
        if held:
            if fault or not _mends(entry, before):
                break
            report.remarks.append(f"{name}, entry {number - 1}: cut off by a crash, and mended")
            held = ""
        if fault:
            held = f"{name}, entry {number}: {fault}"
            if entry or not line.endswith(b"\n"):
                break
        else:
            _count(report, entry, line)
        before = line
    report.problems += [held] if held else []
    return report


def _read(line: bytes, number: int, before: bytes) -> tuple[Entry, str]:
    """An entry, {} where it cannot be read; and its fault, "" if none."""
    if not line.endswith(b"\n"):
        return {}, "is cut off: it has no end of line"
    try:
        entry: Any = from_canonical(line[:-1])
    except PutAside as error:
        return {}, f"changed: {error}"
    if not isinstance(entry, dict) or entry.keys() != _MEMBERS.keys():
        return {}, "changed: is no custody entry"
    for member, kind in _MEMBERS.items():
        if type(entry[member]) is not kind:
            return entry, f"changed: its {member} is no {kind.__name__}"
    if entry["format"] != FORMAT:
        return entry, f"changed: its format should be {FORMAT!r}"
    if entry["number"] != number:
        return entry, f"calls itself number {entry['number']}: an entry was removed or added"
    if entry["previous"] != link_to(before):
        return entry, "does not follow the entry before it: one of the two was changed or exchanged"
    return entry, ""


def _fault_of_signing(entry: Entry, keys: PublicKeys, *, is_chain_signed: bool) -> str:
    key_id, signature = entry["key_id"], entry["signature"]
    if not key_id and not signature:
        return "is not signed, though entries before it are" if is_chain_signed else ""
    unsigned = {name: value for name, value in entry.items() if name != "signature"}
    return fault_of_signature(keys, key_id, signature, to_canonical(unsigned))


def _mends(entry: Entry, torn: bytes) -> bool:
    content = torn.removesuffix(b"\n")
    told = {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
    return bool(entry["kind"] == "mended" and entry["details"] == told)


def _count(report: ChainReport, entry: Entry, line: bytes) -> None:
    report.entries += 1
    report.unsigned += not entry["key_id"]
    evidence_id = entry["evidence_id"]
    match entry["kind"]:
        case "sealed":
            report.sealed[evidence_id] = str(entry["details"].get("manifest_sha256", ""))
            report.sealings[evidence_id] = Sealing(entry["number"], link_to(line), entry["at"])
            report.erased.discard(evidence_id)
        case "stamped":
            if type(entry["details"].get("entry")) is int:
                report.stamps[entry["details"]["entry"]] = entry
        case "set aside":
            report.sealed.pop(evidence_id, None)
        case "erased":
            report.sealed.pop(evidence_id, None)
            report.erased.add(evidence_id)
