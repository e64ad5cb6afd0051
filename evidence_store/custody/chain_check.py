"""Check the custody chain, and name the first entry that is not as it was written."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from domain.errors import PutAside
from evidence_store.custody.chain import FORMAT, LOG_HEAD, CustodyChain, Entry, link_to
from evidence_store.custody.many_signatures import read_lines
from evidence_store.files.canonical_json import from_canonical, to_canonical
from evidence_store.keys.key_succession import CREATED, KeySuccession
from evidence_store.keys.signing_keys import PublicKeys, fault_of_signature

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
    """A record's "sealed" entry, in short."""

    number: int
    sha256: str  # of its line: what a time stamp is of
    at: str  # by this machine's clock, ISO 8601
    is_signed: bool


@dataclass
class ChainReport:
    """What the chain says, as far as it holds."""

    entries: int = 0  # that hold
    last_number: int = 0  # of them
    unsigned: int = 0  # of them
    problems: list[str] = field(default_factory=list)  # at most one: the first broken entry
    remarks: list[str] = field(default_factory=list)  # crashes that were mended
    counted_keys: frozenset[str] = (
        frozenset()
    )  # ids of the keys that signed, one named by the other
    named_keys: frozenset[str] = frozenset()  # by the last of them, and may sign what comes next
    sealed: dict[str, str] = field(default_factory=dict)  # evidence id -> SHA-256 of its manifest
    # evidence id -> number of an entry that seals it once more, though nothing took it away before
    sealed_twice: dict[str, int] = field(default_factory=dict)
    added: dict[str, Entry] = field(default_factory=dict)  # evidence id -> of its masked copies
    sealings: dict[str, Sealing] = field(default_factory=dict)  # by evidence id
    stamps: dict[int, Entry] = field(default_factory=dict)  # by the number of the stamped sealing
    # records whose erasure has begun, with the entry that says so; then those it was ended for
    erasing: dict[str, Entry] = field(default_factory=dict)
    erased: dict[str, Entry] = field(default_factory=dict)
    why_erased: dict[str, Entry] = field(default_factory=dict)  # its "erasing" entry
    held: dict[str, Entry] = field(default_factory=dict)  # hold id -> its entry
    released: set[str] = field(default_factory=set)  # hold ids
    exported: dict[str, list[Entry]] = field(default_factory=dict)
    # heads of the event log's chain, by the number of the entry that signs each
    log_heads: dict[int, dict[str, Any]] = field(default_factory=dict)
    forgotten: list[tuple[int, int]] = field(
        default_factory=list
    )  # first and last of rows of the log


def check_chain(
    chain: CustodyChain, keys: PublicKeys, anchors: Collection[str] = ()
) -> ChainReport:
    """Check every link and signature of a data folder's chain.

    Lines cut off at the very end cannot be seen from the chain alone; the records that they were about
    can.

    Args:
        chain: of a data folder.
        keys: public keys that are there; which of them count, the chain says.
        anchors: fingerprints of the site's keys, from outside the data folder; () where none is known.
    """
    return check_lines(chain.lines(), keys, chain.path.name, anchors)


def read_despite_faults(chain: CustodyChain, keys: PublicKeys) -> ChainReport:
    """Check a chain; where it does not hold, also read what follows the broken entry, unchecked.

    For what is safer with it than without: holds, and erasures to be ended.
    """
    checked = check_chain(chain, keys)
    if not checked.problems:
        return checked
    report = ChainReport(problems=checked.problems, remarks=checked.remarks)
    for line in chain.lines():
        with suppress(PutAside, AttributeError, TypeError, KeyError):
            entry = from_canonical(line.rstrip(b"\n"))
            if entry.keys() == _MEMBERS.keys():
                _count(report, entry, line)
    return report


def check_lines(
    lines: Iterable[bytes], keys: PublicKeys, name: str, anchors: Collection[str] = ()
) -> ChainReport:
    """Check links and signatures of lines, each with its end; messages call their file `name`."""
    report, succession = ChainReport(), KeySuccession(keys, frozenset(anchors))
    # a line that a crash cut off is forgiven where the next entry mends it: its fault is held until then
    before, held = b"", ""
    for each in read_lines(lines, keys, _read):
        number, line, entry = each.number, each.line, each.entry
        fault = each.fault or _fault_of_signer(entry, succession, report.unsigned)
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
            if entry["key_id"]:
                succession.take(entry)
        before = line
    report.counted_keys = frozenset(succession.counted)
    report.named_keys = frozenset(succession.named)
    if not held and report.entries:
        fault = succession.fault_at_end
        if keys and not succession.in_force:
            fault = "is not signed, though this site has a key"
        held = f"{name}: {fault}" if fault else ""
    report.problems += [held] if held else []
    return report


def _read(keys: PublicKeys, line: bytes, number: int, before: bytes) -> tuple[Entry, str]:
    """Return an entry, {} where it cannot be read; and its or its signature's fault, "" if none."""
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
    return entry, _fault_of_signature(keys, entry, line)


def _is_unsigned(entry: Entry) -> bool:
    return not entry["key_id"] and not entry["signature"]


def _fault_of_signature(keys: PublicKeys, entry: Entry, line: bytes) -> str:
    if _is_unsigned(entry):
        return ""
    signed = _signed_part(entry, line)
    return fault_of_signature(keys, entry["key_id"], entry["signature"], signed)


def _fault_of_signer(entry: Entry, succession: KeySuccession, unsigned: int) -> str:
    if _is_unsigned(entry):
        return "is not signed, though entries before it are" if succession.in_force else ""
    # else whoever takes all signatures away only has to wait for the next entry
    if unsigned and not succession.in_force and entry["kind"] != CREATED:
        return f"is the first that is signed, and makes no key: were the {unsigned} before it signed, too?"
    return succession.fault_of(entry)


def _signed_part(entry: Entry, line: bytes) -> bytes:
    """Return an entry without its signature, as it was signed."""
    member = f'"signature":"{entry["signature"]}",'.encode()
    # the line is canonical, so cutting it out spells the rest as it was: quicker than to spell it anew
    if line.count(member) == 1:
        return line[:-1].replace(member, b"")
    return to_canonical({name: value for name, value in entry.items() if name != "signature"})


def _mends(entry: Entry, torn: bytes) -> bool:
    content = torn.removesuffix(b"\n")
    details = {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
    return bool(entry["kind"] == "mended" and entry["details"] == details)


def _count(report: ChainReport, entry: Entry, line: bytes) -> None:
    report.entries += 1
    report.last_number = entry["number"]
    report.unsigned += not entry["key_id"]
    evidence_id, details = entry["evidence_id"], entry["details"]
    if isinstance(head := details.get(LOG_HEAD), dict):
        report.log_heads[entry["number"]] = head
    match entry["kind"]:
        case "sealed":
            if evidence_id in report.sealed:
                report.sealed_twice.setdefault(evidence_id, entry["number"])
            report.sealed[evidence_id] = str(details.get("manifest_sha256", ""))
            report.sealings[evidence_id] = Sealing(
                entry["number"], link_to(line), entry["at"], bool(entry["key_id"])
            )
            report.erasing.pop(evidence_id, None)
            report.erased.pop(evidence_id, None)
        case "events forgotten":
            report.forgotten += _stretches(details.get("rows"))
        case "restored" if head:
            # what the log held beyond its backup is lost, which this entry signs
            report.log_heads = {
                number: each
                for number, each in report.log_heads.items()
                if each.get("log_id") != head.get("log_id") or _row_of(each) <= _row_of(head)
            }
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


def _stretches(rows: Any) -> list[tuple[int, int]]:
    # an entry may hold anything where no key signs
    pairs = [each for each in rows if isinstance(each, list)] if isinstance(rows, list) else []
    return [(each[0], each[1]) for each in pairs if [*map(type, each)] == [int, int]]


def _row_of(head: dict[str, Any]) -> int:
    row = head.get("row")
    return row if type(row) is int else 0
