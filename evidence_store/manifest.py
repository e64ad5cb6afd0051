"""The manifest: everything that a record's signature covers, in canonical JSON.

`manifest.json` names every file with its SHA-256 and size, repeats the record's facts, and says which
camera, which models and which tools it comes from. `manifest.sig` beside it is the site's signature.
Where a record was made without a key, `signed_by` is "none", in plain sight.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from domain.errors import PutAside
from domain.events import EvidenceFile
from domain.evidence import EvidenceRecord
from evidence_store.canonical_json import from_canonical, to_canonical, without_large_integers
from evidence_store.keys import PublicKeys, Signer
from evidence_store.signature_file import fault_of_signature_file, sign_file

MANIFEST_NAME = "manifest.json"
SIGNATURE_NAME = "manifest.sig"
SEAL_NAMES = (MANIFEST_NAME, SIGNATURE_NAME)
FORMAT = "forewarn manifest 1"
UNSIGNED = "none"
_MEMBERS = {
    "format",
    "evidence_id",
    "sealed_at",
    "signed_by",
    "record",
    "files",
    "story_sha256",
    "camera",
    "tools",
}
# what had a hand in the bytes of a record
_TOOLS = ("av", "opencv-python-headless", "numpy", "cryptography", "rfc8785")
_NO_FACTS = ("files", "embedding", "appearance")  # files have their own place, vectors numbers.json


@dataclass(frozen=True, slots=True)
class Seal:
    """What a record's manifest comes down to."""

    manifest_sha256: str
    key_id: str  # "" where it is not signed


def write_seal(
    folder: Path,
    record: EvidenceRecord,
    files: Sequence[EvidenceFile],
    story: Mapping[str, Any],
    signer: Signer | None,
) -> None:
    """Add manifest and signature to a draft.

    Args:
        files: all of the record's, numbers.json included.
    Raises:
        PutAside: a fact cannot be written as canonical JSON.
    """
    content = to_canonical(
        {
            "format": FORMAT,
            "evidence_id": record.evidence_id,
            "sealed_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "signed_by": signer.key_id if signer else UNSIGNED,
            "record": facts_of(record),
            "files": _listed(files),
            "story_sha256": sha256_of_story(story),
            "camera": story.get("camera") or {"id": record.camera_id},
            "tools": tool_versions(),
        }
    )
    (folder / MANIFEST_NAME).write_bytes(content)
    if signer:
        (folder / SIGNATURE_NAME).write_bytes(sign_file(signer, MANIFEST_NAME, content))


def read_seal(folder: Path) -> Seal | None:
    """A sealed folder's seal, unchecked; None where there is none (readable)."""
    try:
        content = (folder / MANIFEST_NAME).read_bytes()
        key_id = str(from_canonical(content)["signed_by"])
    except (OSError, PutAside, KeyError, TypeError):
        return None
    return Seal(hashlib.sha256(content).hexdigest(), "" if key_id == UNSIGNED else key_id)


def check_seal(
    folder: Path,
    record: EvidenceRecord,
    story: Mapping[str, Any],
    keys: PublicKeys | None,
) -> list[str]:
    """Compare manifest and signature with the record; the files' bytes are checked elsewhere.

    Args:
        record, story: as numbers.json tells them.
        keys: whose signatures count; None leaves the signature itself unchecked.
    Returns:
        one line for each fault, beginning with the file's name; [] if all is as sealed.
    """
    try:
        content = (folder / MANIFEST_NAME).read_bytes()
        told = from_canonical(content)
    except FileNotFoundError:
        return [f"{MANIFEST_NAME}: is missing"]
    except OSError as error:
        return [f"{MANIFEST_NAME}: cannot be read: {error.strerror}"]
    except PutAside as error:
        return [f"{MANIFEST_NAME}: changed: {error}"]
    if not isinstance(told, dict) or told.keys() != _MEMBERS or told["format"] != FORMAT:
        return [f"{MANIFEST_NAME}: changed: is no manifest of this format ({FORMAT})"]
    expected = {
        "evidence_id": record.evidence_id,
        "record": facts_of(record),
        "files": _listed(record.files),
        "story_sha256": sha256_of_story(story),
    }
    problems = [
        f"{MANIFEST_NAME}: its {member} is not what numbers.json says"
        for member, value in expected.items()
        if told[member] != value
    ]
    if fault := _fault_of_signing(folder, content, str(told["signed_by"]), keys):
        problems.append(f"{SIGNATURE_NAME}: {fault}")
    return problems


def facts_of(record: EvidenceRecord) -> dict[str, Any]:
    """The record as JSON values, without its files and vectors; times in UTC, ISO 8601."""
    facts: dict[str, Any] = {
        each.name: getattr(record, each.name)
        for each in fields(record)
        if each.name not in _NO_FACTS
    }
    for name, value in facts.items():
        if isinstance(value, datetime):
            facts[name] = value.astimezone(UTC).isoformat(timespec="microseconds")
    if not record.category:  # as records had it that were sealed before there were categories
        del facts["category"]
    return {**facts, "missing": list(record.missing)}


def sha256_of_story(story: Mapping[str, Any]) -> str:
    """Hash of what numbers.json tells beside the record."""
    return hashlib.sha256(to_canonical(without_large_integers(dict(story)))).hexdigest()


@cache
def tool_versions() -> dict[str, str]:
    """Versions of what had a hand in a record's bytes."""
    found = {"python": platform.python_version()}
    for name in _TOOLS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def _fault_of_signing(folder: Path, content: bytes, signed_by: str, keys: PublicKeys | None) -> str:
    path = folder / SIGNATURE_NAME
    if signed_by == UNSIGNED:
        return "was not there when the record was sealed" if path.exists() else ""
    try:
        signature_file = path.read_bytes()
    except FileNotFoundError:
        return "is missing, though the manifest says it was signed"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if keys is None:
        return ""
    return fault_of_signature_file(signature_file, MANIFEST_NAME, content, signed_by, keys)


def _listed(files: Sequence[EvidenceFile]) -> list[dict[str, Any]]:
    return [file.model_dump() for file in sorted(files, key=lambda file: file.name)]
