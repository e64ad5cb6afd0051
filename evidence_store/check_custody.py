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
    last_number: int = 0  # of them
    unsigned: int = 0  # of them
    problems: list[str] = field(default_factory=list)  # at most one: the first broken entry
    remarks: list[str] = field(default_factory=list)  # crashes that were mended
    sealed: dict[str, str] = field(default_factory=dict)  # evidence id -> SHA-256 of its manifest
    added: dict[str, Entry] = field(default_factory=dict)  # evidence id -> of its masked copies
    sealings: dict[str, Sealing] = field(default_factory=dict)  # by evidence id
    stamps: dict[int, Entry] = field(
        default_factory=dict
    )  # number of a sealing -> its stamp's entry
    # records whose erasure has begun, with the entry that says so; then those it was ended for
    erasing: dict[str, Entry] = field(default_factory=dict)
    erased: dict[str, Entry] = field(default_factory=dict)
    why_erased: dict[str, Entry] = field(default_factory=dict)  # its "erasing" entry
    held: dict[str, Entry] = field(default_factory=dict)  # hold id -> its entry
    released: set[str] = field(default_factory=set)  # hold ids
    exported: dict[str, list[Entry]] = field(default_factory=dict)


def check_chain(chain: CustodyChain, keys: PublicKeys) -> ChainReport:
    """Check every link and signature of a data folder's chain.

    What was cut off at the very end cannot be seen from the chain alone; the records it told of can.
    """
    return check_lines(chain.lines(), keys, chain.path.name)


def read_despite_faults(chain: CustodyChain, keys: PublicKeys) -> ChainReport:
    """The same, but where the chain does not hold also what is told after the broken entry, unchecked.

    For what is safer with it than without: holds, and erasures to be ended.
    """
    checked = check_chain(chain, keys)
    if not checked.problems:
        return checked
    report = ChainReport(problems=checked.problems, remarks=checked.remarks)
    for line in chain.lines():
        try:
            entry = from_canonical(line.rstrip(b"\n"))
            if entry.keys() == _MEMBERS.keys():
                _count(report, entry, line)
        except (PutAside, AttributeError, TypeError, KeyError):
            continue
    return report


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
    report.last_number = entry["number"]
    report.unsigned += not entry["key_id"]
    evidence_id, details = entry["evidence_id"], entry["details"]
    match entry["kind"]:
        case "sealed":
            report.sealed[evidence_id] = str(details.get("manifest_sha256", ""))
            report.sealings[evidence_id] = Sealing(entry["number"], link_to(line), entry["at"])
            report.erasing.pop(evidence_id, None)
            report.erased.pop(evidence_id, None)
        case "stamped":
            if type(details.get("entry")) is int:
                report.stamps[details["entry"]] = entry
        case "added":
            report.added[evidence_id] = entry
        case "set aside":
            report.sealed.pop(evidence_id, None)
            report.added.pop(evidence_id, None)
        case "exported":
            report.exported.setdefault(evidence_id, []).append(entry)
        case "erasing":
            report.sealed.pop(evidence_id, None)
            report.added.pop(evidence_id, None)
            report.erasing[evidence_id] = entry
        case "erased":
            report.why_erased[evidence_id] = report.erasing.pop(evidence_id, entry)
            report.erased[evidence_id] = entry
        case "held":
            report.held[str(details.get("hold_id", ""))] = entry
        case "released":
            report.held.pop(str(details.get("hold_id", "")), None)
            report.released.add(str(details.get("hold_id", "")))
