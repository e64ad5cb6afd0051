"""What is to be erased of one record, told to the custody chain before anything is touched.

The entry holds everything that is needed to go on after a crash, and to look afterwards whether the
bytes are gone: so nothing is ever half erased without being on record.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from domain.errors import ForewarnError, PutAside
from domain.evidence import EvidenceRecord
from evidence_store.canonical_json import from_canonical
from evidence_store.custody import CustodyChain, Entry
from evidence_store.encrypted_file import ENDING
from evidence_store.folder_lock import alone_with
from evidence_store.manifest import read_seal
from evidence_store.numbers_file import NUMBERS_NAME, VECTORS_NAME
from evidence_store.rows import VECTOR_SIZES
from evidence_store.search_marks import Mark, marks_of_bytes, marks_of_file
from evidence_store.vault import Vault
from evidence_store.whole_files import sha256_of

# lead and tail of a clip, and the key frame that it begins with
AROUND_S = 15.0
# they hold no picture, sound or vector of their own; the event log tells the same
_WITHOUT_MARKS = (".json", ".sig", ".tsr", ".wav")


class AlreadyErased(PutAside):
    """The record was erased, and is not to be made anew."""


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody, or a term of the site file, wants a record erased."""

    evidence_id: str
    reason: str
    by: str  # who asked for it; "retention" where a term is over
    rule: str = ""  # the line of the site file whose term is over
    with_events: bool = False  # what the event log tells of the offence, too


@dataclass(frozen=True, slots=True)
class Stretch:
    """The footage that shows the offence."""

    camera_id: str
    from_at: datetime
    to_at: datetime


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure that the chain was told of."""

    evidence_id: str
    offence_id: str
    number: int  # of the custody entry that began it
    stretch: Stretch
    marks: tuple[Mark, ...]
    with_events: bool
    others: tuple[str, ...] = ()  # more files that show it, relative to the data folder

    @classmethod
    def from_entry(cls, entry: Entry) -> Erasure:
        """Out of an "erasing" entry.

        Raises:
            PutAside: it was not written by this version.
        """
        told = entry["details"]
        try:
            stretch = told["stretch"]
            return cls(
                evidence_id=str(entry["evidence_id"]),
                offence_id=str(told["offence_id"]),
                number=int(entry["number"]),
                stretch=Stretch(
                    str(stretch["camera_id"]),
                    datetime.fromisoformat(stretch["from_at"]),
                    datetime.fromisoformat(stretch["to_at"]),
                ),
                marks=tuple(Mark.from_json(each) for each in told["marks"]),
                with_events=bool(told["with_events"]),
                others=tuple(str(each) for each in told.get("others", ())),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise PutAside(
                f"custody entry {entry.get('number')}: tells of an erasure in a way that this version "
                f"does not know ({error})"
            ) from error


def ended_erasures(chain: CustodyChain) -> dict[int, Entry]:
    """The "erased" entries of a chain, unchecked, by the number of the entry that began each.

    Raises:
        TryAgain: the chain cannot be read.
    """
    ended = {}
    for line in chain.lines():
        if b'"kind":"erased"' in line:
            with suppress(ValueError, KeyError, TypeError):
                entry = from_canonical(line.rstrip(b"\n"))
                ended[int(entry["details"]["begun_by"])] = entry
    return ended


def same_footage(shared: dict[str, dict[str, str]]) -> tuple[dict[str, list[str]], int]:
    """Tell shared footage, which matters to a request, from still scenery, which does not.

    Args:
        shared: place -> file -> "pieces found/of how many", as a certificate has it.
    Returns:
        place -> files of the erased record that are shown there, too; and how many other places hold
        a few pieces of pictures only.
    """
    same = {}
    for place, pieces in shared.items():
        whole = [name for name, found in pieces.items() if len({*found.split("/")}) == 1]
        footage = [name for name in pieces if name.startswith("clip")]
        if whole or footage:
            same[place] = sorted({*whole, *footage})
    return same, len(shared) - len(same)


def check_not_erased(evidence_id: str, chain: CustodyChain) -> None:
    """Before a record is sealed, added to or held: nothing brings back what was erased.

    Raises:
        AlreadyErased: the chain says so.
    """
    for entry in reversed(chain.about(evidence_id)):
        if entry["kind"] in ("erasing", "erased"):
            state = "is being" if entry["kind"] == "erasing" else "was"
            raise AlreadyErased(
                f"{evidence_id}: {state} erased, says custody entry {entry['number']}: nothing is made "
                "of it, added to it or held of it any more"
            )


def tell_erasing(
    request: Request,
    record: EvidenceRecord | None,
    vectors: Mapping[str, np.ndarray],
    others: Sequence[Path],
    vault: Vault,
    chain: CustodyChain,
) -> Erasure:
    """Add the "erasing" entry; from now on the record counts as gone.

    Args:
        record: the table's row, or the vault's reading; None where only files are left.
        vectors: what tables hold about it, by name.
        others: more files that show it, such as a picture that went out with a message; below the
            vault's own parent.
    Raises:
        PutAside: nothing of it is there.
        TryAgain: the chain or the record's files cannot be read or written.
    """
    folder = vault.folder_of(request.evidence_id)
    with alone_with(folder) as is_there:  # nobody adds to it while it is marked, or exports it
        if record is None and not is_there:
            raise PutAside(
                f"no evidence {request.evidence_id!r}; `forewarn evidence list` shows the ids"
            )
        details = _details(request, record, vectors, others, vault)
        return Erasure.from_entry(chain.append("erasing", request.evidence_id, details))


def _details(
    request: Request,
    record: EvidenceRecord | None,
    vectors: Mapping[str, np.ndarray],
    others: Sequence[Path],
    vault: Vault,
) -> dict[str, Any]:
    folder = vault.folder_of(request.evidence_id)
    seal = read_seal(folder)
    return {
        "reason": request.reason,
        "by": request.by,
        "rule": request.rule,
        "with_events": request.with_events,
        "offence_id": record.offence_id if record else "",
        "site_id": record.site_id if record else "",
        "rule_id": record.rule_id if record else "",
        "outcome": record.outcome if record else "",
        "manifest_sha256": seal.manifest_sha256 if seal else "",
        "files": _files(folder, record),
        "stretch": _stretch(record),
        "others": [path.relative_to(vault.folder.parent).as_posix() for path in others],
        "marks": [
            mark.to_json()
            for mark in (*_marks(folder, record, vectors, vault), *_marks_of_others(others))
        ],
    }


def _files(folder: Path, record: EvidenceRecord | None) -> list[dict[str, Any]]:
    """The files as they were sealed; then what else lies there, such as the manifest."""
    sealed = [
        {"name": file.name, "sha256": file.sha256, "size_bytes": file.size_bytes}
        for file in (record.files if record else ())
    ]
    names = {each["name"] for each in sealed}
    return sealed + [
        {"name": path.name, "sha256": sha256_of(path), "size_bytes": path.stat().st_size}
        for path in _plain_files(folder)
        if path.name.removesuffix(ENDING) not in names
    ]


def _plain_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _stretch(record: EvidenceRecord | None) -> dict[str, str]:
    around = timedelta(seconds=AROUND_S)
    never = datetime.fromtimestamp(0, UTC)
    begins = record.first_seen_at if record else never
    from_at = min(begins, record.clip_from_at) - around if record else never
    return {
        "camera_id": record.camera_id if record else "",
        "from_at": from_at.astimezone(UTC).isoformat(),
        "to_at": (record.ended_at + around if record else never).astimezone(UTC).isoformat(),
    }


def _marks(
    folder: Path, record: EvidenceRecord | None, vectors: Mapping[str, np.ndarray], vault: Vault
) -> Iterable[Mark]:
    sealed = {name: getattr(record, name) for name in VECTOR_SIZES} if record else {}
    marked = set()
    for name, vector in {**sealed, **vectors}.items():
        content = np.asarray(vector, dtype="<f4").tobytes()
        if content not in marked:  # the table's row repeats what was sealed
            yield from marks_of_bytes(name, content)
        marked.add(content)
    for path in _plain_files(folder):
        if path.suffix in _WITHOUT_MARKS:
            continue
        with path.open("rb") as file:
            yield from marks_of_file(path.name, file, path.stat().st_size)
        if path.suffix == ENDING:
            yield from _marks_within(folder.name, path.name.removesuffix(ENDING), vault)
    for name in (NUMBERS_NAME, VECTORS_NAME):
        path = folder / name
        if record is not None and path.is_file():
            yield from _marks_of_spelt_vectors(name, path.read_bytes(), record)


def _marks_of_others(others: Sequence[Path]) -> Iterable[Mark]:
    for path in others:
        with suppress(FileNotFoundError), path.open("rb") as file:
            yield from marks_of_file(path.name, file, path.stat().st_size)


def _marks_within(evidence_id: str, name: str, vault: Vault) -> Iterable[Mark]:
    """What an encrypted file holds; without its key nobody can make copies of that either."""
    with suppress(ForewarnError), vault.open(evidence_id, name) as file:
        yield from marks_of_file(name, file, vault.size_of(evidence_id, name))


def _marks_of_spelt_vectors(
    file_name: str, content: bytes, record: EvidenceRecord
) -> Iterable[Mark]:
    """The vectors as a file spells them: base64, which a search for the bytes would miss."""
    for name in VECTOR_SIZES:
        spelt = base64.b64encode(np.asarray(getattr(record, name), dtype="<f4").tobytes())
        if spelt in content:
            yield from marks_of_file(f"{name} in {file_name}", io.BytesIO(spelt), len(spelt))
