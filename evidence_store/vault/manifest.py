"""Write, read and check the manifest: everything that a record's signature covers.

`manifest.json`, in canonical JSON, names every file with its SHA-256 and size, repeats the record's
facts, and says which camera, which models and which tools it comes from. `manifest.sig` beside it is
the site's signature. Where a record was made without a key, `signed_by` is "none".
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
from domain.events.catalog import EvidenceFile
from domain.evidence import EvidenceRecord
from evidence_store.files.canonical_json import from_canonical, to_canonical, without_large_integers
from evidence_store.files.plain_file import read_plain
from evidence_store.keys.signature_file import fault_of_signature_file, sign_file
from evidence_store.keys.signing_keys import PublicKeys, Signer

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
# libraries that make the bytes of a record
_TOOLS = ("av", "opencv-python-headless", "numpy", "cryptography", "rfc8785")
_NO_FACTS = ("files", "embedding", "appearance")  # files have their own place, vectors numbers.json


@dataclass(frozen=True, slots=True)
class Seal:
    """Hash of a record's manifest, and the key that signed it."""

    manifest_sha256: str
    key_id: str  # "" where it is not signed


def write_seal(
    folder: Path,
    record: EvidenceRecord,
    files: Sequence[EvidenceFile],
    story: Mapping[str, Any],
    signer: Signer | None,
) -> None:
    """Add manifest and signature to a draft; `files` are all of the record's, numbers.json included.

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
    """Read a sealed folder's seal, unchecked; None where there is none that can be read."""
    try:
        content = read_plain(folder / MANIFEST_NAME)
        key_id = str(from_canonical(content)["signed_by"])
    except (OSError, PutAside, KeyError, TypeError):
        return None
    return Seal(hashlib.sha256(content).hexdigest(), "" if key_id == UNSIGNED else key_id)


def check_seal(
    folder: Path,
    record: EvidenceRecord,
    story: Mapping[str, Any],
    keys: PublicKeys,
    *,
    must_be_signed: bool,
) -> list[str]:
    """Compare manifest and signature with the record; the files' bytes are checked elsewhere.

    Args:
        folder: the record's.
        record: as numbers.json holds it.
        story: likewise.
        keys: whose signatures count.
        must_be_signed: whether a record without a signature is a fault: the site had a key when it was sealed.
    Returns:
        One line for each fault, beginning with the file's name.
    """
    try:
        content = read_plain(folder / MANIFEST_NAME)
        manifest = from_canonical(content)
    except FileNotFoundError:
        return [f"{MANIFEST_NAME}: is missing"]
    except OSError as error:
        return [f"{MANIFEST_NAME}: cannot be read: {error.strerror}"]
    except PutAside as error:
        return [f"{MANIFEST_NAME}: changed: {error}"]
    if (
        not isinstance(manifest, dict)
        or manifest.keys() != _MEMBERS
        or manifest["format"] != FORMAT
    ):
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
        if manifest[member] != value
    ]
    signed_by = str(manifest["signed_by"])
    if must_be_signed and signed_by == UNSIGNED:
        problems.append(f"{MANIFEST_NAME}: is not signed, though this site has a key")
    if fault := _fault_of_signing(folder, content, signed_by, keys):
        problems.append(f"{SIGNATURE_NAME}: {fault}")
    return problems


def facts_of(record: EvidenceRecord) -> dict[str, Any]:
    """Spell the record as JSON values, without its files and vectors; times in UTC, ISO 8601."""
    facts: dict[str, Any] = {
        field.name: getattr(record, field.name)
        for field in fields(record)
        if field.name not in _NO_FACTS
    }
    for name, value in facts.items():
        if isinstance(value, datetime):
            facts[name] = value.astimezone(UTC).isoformat(timespec="microseconds")
    if not record.category:  # as records had it that were sealed before there were categories
        del facts["category"]
    return {**facts, "missing": list(record.missing)}


def sha256_of_story(story: Mapping[str, Any]) -> str:
    """Hash what numbers.json holds beside the record."""
    return hashlib.sha256(to_canonical(without_large_integers(dict(story)))).hexdigest()


@cache
def tool_versions() -> dict[str, str]:
    """Read the versions of the libraries that make a record's bytes."""
    versions = {"python": platform.python_version()}
    for name in _TOOLS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "unknown"
    return versions


def _fault_of_signing(folder: Path, content: bytes, signed_by: str, keys: PublicKeys) -> str:
    path = folder / SIGNATURE_NAME
    if signed_by == UNSIGNED:
        return "was not there when the record was sealed" if path.exists() else ""
    try:
        signature_file = read_plain(path)
    except FileNotFoundError:
        return "is missing, though the manifest says it was signed"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return fault_of_signature_file(signature_file, MANIFEST_NAME, content, signed_by, keys)


def _listed(files: Sequence[EvidenceFile]) -> list[dict[str, Any]]:
    return [file.model_dump() for file in sorted(files, key=lambda file: file.name)]
