"""Plan an erasure and log it to the custody chain before deleting anything.

The entry holds all that is needed to go on after a crash, and to search afterwards for the record's bytes: so
nothing is ever half erased without being on record.
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
from domain.files import sha256_of
from evidence_store.custody.chain import CustodyChain, Entry
from evidence_store.erasure.residue_search import Fingerprint, fingerprint_bytes, fingerprint_file
from evidence_store.files.folder_lock import exclusive_lock
from evidence_store.keys.encrypted_file import ENDING
from evidence_store.search.schema import VECTOR_SIZES
from evidence_store.vault.manifest import read_seal
from evidence_store.vault.numbers_file import NUMBERS_NAME, VECTORS_NAME
from evidence_store.vault.vault import Vault

# lead and tail of a clip, and the key frame that it begins with
AROUND_S = 15.0
# they hold no picture, sound or vector of their own; the event log tells the same
_WITHOUT_MARKS = (".json", ".sig", ".tsr", ".wav")
_FACTS = ("offence_id", "site_id", "rule_id", "outcome")  # of the record, for the entry


@dataclass(frozen=True, slots=True)
class Request:
    """A record that somebody, or a term of the site file, wants erased."""

    evidence_id: str
    reason: str
    by: str  # who asked for it; "retention" where a term is over
    rule: str = ""  # the line of the site file whose term is over
    with_events: bool = False  # what the event log tells of the offence, too


@dataclass(frozen=True, slots=True)
class ErasedStretch:
    """The stretch of a camera's footage that shows the offence."""

    camera_id: str
    from_at: datetime
    to_at: datetime


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure that was begun: the chain's "erasing" entry, read."""

    evidence_id: str
    offence_id: str
    number: int  # of the custody entry that began it
    stretch: ErasedStretch
    marks: tuple[Fingerprint, ...]
    with_events: bool
    others: tuple[str, ...] = ()  # more files that show it, relative to the data folder

    @classmethod
    def from_entry(cls, entry: Entry) -> Erasure:
        """Read an "erasing" entry; raises PutAside where it was not written by this version."""
        details = entry["details"]
        try:
            stretch = details["stretch"]
            return cls(
                evidence_id=str(entry["evidence_id"]),
                offence_id=str(details["offence_id"]),
                number=int(entry["number"]),
                stretch=ErasedStretch(
                    str(stretch["camera_id"]),
                    datetime.fromisoformat(stretch["from_at"]),
                    datetime.fromisoformat(stretch["to_at"]),
                ),
                marks=tuple(Fingerprint.from_json(mark) for mark in details["marks"]),
                with_events=bool(details["with_events"]),
                others=tuple(str(path) for path in details.get("others", ())),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise PutAside(
                f"custody entry {entry.get('number')}: tells of an erasure in a way that this version "
                f"does not know ({error})"
            ) from error


def same_footage(shared: dict[str, dict[str, str]]) -> tuple[dict[str, list[str]], int]:
    """Separate shared footage, which matters to a request, from still scenery, which does not.

    `shared` is place -> file -> "pieces found/of how many", as a certificate has it. Returns place -> files of
    the erased record that are shown there, too; and how many other places hold a few pieces of pictures only.
    """
    same = {}
    for place, pieces in shared.items():
        whole = [name for name, share in pieces.items() if len({*share.split("/")}) == 1]
        footage = [name for name in pieces if name.startswith("clip")]
        if whole or footage:
            same[place] = sorted({*whole, *footage})
    return same, len(shared) - len(same)


def begin_erasure(
    request: Request,
    record: EvidenceRecord | None,
    vectors: Mapping[str, np.ndarray],
    others: Sequence[Path],
    vault: Vault,
    chain: CustodyChain,
) -> Erasure:
    """Append the "erasing" entry; from now on the record counts as gone.

    The record is the table's row, or the vault's reading; None where only files are left. `vectors` are what
    tables hold about it, by name. `others` are more files that show it, such as a picture that went out with
    a message; below the vault's own parent. Returned is what a later process reads out of the entry.

    Raises:
        PutAside: nothing of it is there.
        TryAgain: the chain or the record's files cannot be read or written.
    """
    folder = vault.folder_of(request.evidence_id)
    # nobody adds to it or exports it while its fingerprints are taken
    with exclusive_lock(folder) as is_there:
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
        **{name: getattr(record, name, "") for name in _FACTS},
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
    """List the files as they were sealed; then what else lies there, such as the manifest."""
    sealed = [
        {"name": file.name, "sha256": file.sha256, "size_bytes": file.size_bytes}
        for file in (record.files if record else ())
    ]
    names = {file["name"] for file in sealed}
    return sealed + [
        {"name": path.name, "sha256": sha256_of(path), "size_bytes": path.stat().st_size}
        for path in _plain_files(folder)
        if path.name.removesuffix(ENDING) not in names
    ]


def _plain_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _stretch(record: EvidenceRecord | None) -> dict[str, str]:
    if record is None:
        never = datetime.fromtimestamp(0, UTC).isoformat()
        return {"camera_id": "", "from_at": never, "to_at": never}
    around = timedelta(seconds=AROUND_S)
    from_at = min(record.first_seen_at, record.clip_from_at) - around
    return {
        "camera_id": record.camera_id,
        "from_at": from_at.astimezone(UTC).isoformat(),
        "to_at": (record.ended_at + around).astimezone(UTC).isoformat(),
    }


def _marks(
    folder: Path, record: EvidenceRecord | None, vectors: Mapping[str, np.ndarray], vault: Vault
) -> Iterable[Fingerprint]:
    sealed = {name: getattr(record, name) for name in VECTOR_SIZES} if record else {}
    marked = set()
    for name, vector in {**sealed, **vectors}.items():
        content = np.asarray(vector, dtype="<f4").tobytes()
        # the table's row repeats what was sealed
        if content not in marked:
            yield from fingerprint_bytes(name, content)
        marked.add(content)
    for path in _plain_files(folder):
        if path.suffix in _WITHOUT_MARKS:
            continue
        with path.open("rb") as file:
            yield from fingerprint_file(path.name, file, path.stat().st_size)
        if path.suffix == ENDING:
            yield from _marks_within(folder.name, path.name.removesuffix(ENDING), vault)
    for name in (NUMBERS_NAME, VECTORS_NAME):
        path = folder / name
        if record is not None and path.is_file():
            yield from _marks_of_spelt_vectors(name, path.read_bytes(), record)


def _marks_of_others(others: Sequence[Path]) -> Iterable[Fingerprint]:
    for path in others:
        with suppress(FileNotFoundError), path.open("rb") as file:
            yield from fingerprint_file(path.name, file, path.stat().st_size)


def _marks_within(evidence_id: str, name: str, vault: Vault) -> Iterable[Fingerprint]:
    """Fingerprint what an encrypted file holds; without its key nobody can make copies of that either."""
    with suppress(ForewarnError), vault.open(evidence_id, name) as file:
        yield from fingerprint_file(name, file, vault.size_of(evidence_id, name))


def _marks_of_spelt_vectors(
    file_name: str, content: bytes, record: EvidenceRecord
) -> Iterable[Fingerprint]:
    """Fingerprint vectors as a file spells them: base64, which a search for the bytes would miss."""
    for name in VECTOR_SIZES:
        spelt = base64.b64encode(np.asarray(getattr(record, name), dtype="<f4").tobytes())
        if spelt in content:
            yield from fingerprint_file(f"{name} in {file_name}", io.BytesIO(spelt), len(spelt))
