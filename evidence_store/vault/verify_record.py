"""Hash sealed evidence again and describe what is not as it was sealed."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from domain.errors import ForewarnError, PutAside
from domain.events.catalog import EvidenceFile
from domain.evidence import EvidenceRecord
from evidence_store.keys.signing_keys import PublicKeys
from evidence_store.vault.manifest import SEAL_NAMES, check_seal
from evidence_store.vault.sealed_files import ADDED, SealedFiles, hash_stream


def verify_record(
    record: EvidenceRecord, vault: SealedFiles, keys: PublicKeys, *, must_be_signed: bool
) -> list[str]:
    """Compare a record with its folder, file by file and fact by fact, and with its manifest.

    Args:
        record: the table's row, or the vault's own reading, which then is compared with itself.
        vault: has its folder.
        keys: whose signatures count.
        must_be_signed: whether a record without a signature is a fault.
    Returns:
        One line for each fault, naming the file or fact.
    """
    folder = vault.folder_of(record.evidence_id)
    if not folder.is_dir():
        return [f"{record.evidence_id}: the folder {folder} is missing"]
    if folder.is_symlink():
        return [f"{record.evidence_id}: is a link, and no folder any more"]
    problems = [
        f"{record.evidence_id}/{file.name}: {problem}"
        for file in record.files
        if (problem := _check_file(vault, record.evidence_id, file))
    ]
    known = {path.name for file in record.files if (path := _path_of(vault, record, file))}
    known |= {*SEAL_NAMES, ADDED}  # additions.py checks what was added
    problems += [
        f"{record.evidence_id}/{path.name}: was not there when the record was sealed"
        for path in sorted(folder.iterdir())
        if path.name not in known
    ]
    sealed = vault.read(record.evidence_id)
    if sealed is None:
        return [*problems, f"{record.evidence_id}: numbers.json cannot be read"]
    # row against numbers, numbers against manifest, manifest against signature: a fault is named once
    story = vault.story(record.evidence_id)
    problems += _check_facts(record, sealed)
    faults = check_seal(folder, sealed, story, keys, must_be_signed=must_be_signed)
    return problems + [f"{record.evidence_id}/{fault}" for fault in faults]


def _path_of(vault: SealedFiles, record: EvidenceRecord, file: EvidenceFile) -> Path | None:
    try:
        return vault.path_of(record.evidence_id, file.name)
    except PutAside:  # told with the file itself
        return None


def _check_file(vault: SealedFiles, evidence_id: str, sealed: EvidenceFile) -> str:
    """Describe what is wrong with one file: "" if nothing; originals are decrypted block by block."""
    try:
        path = vault.path_of(evidence_id, sealed.name)
    except PutAside as error:
        return f"cannot be looked for: {error}"
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return "is no plain file any more"
    try:
        size = vault.size_of(evidence_id, sealed.name)
        if size != sealed.size_bytes:
            return f"changed: {size} bytes, sealed with {sealed.size_bytes}"
        with vault.open(evidence_id, sealed.name) as file:
            if hash_stream(file).sha256 != sealed.sha256:
                return "changed: its SHA-256 is not the sealed one"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except ForewarnError as error:  # its key is missing, or it does not decrypt
        return str(error).removeprefix(f"{path}: ")
    return ""


def _check_facts(record: EvidenceRecord, sealed: EvidenceRecord) -> list[str]:
    """Describe the facts of the row that differ from the sealed numbers."""
    return [
        f"{record.evidence_id}: {field.name} differs from the sealed numbers"
        for field in fields(record)
        if not _is_unread(getattr(sealed, field.name))
        and not _is_same(getattr(record, field.name), getattr(sealed, field.name))
    ]


def _is_unread(sealed: Any) -> bool:
    """Tell whether it is a vector whose file could not be read: a fault that is named elsewhere."""
    return isinstance(sealed, np.ndarray) and not sealed.size


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other))
    if isinstance(one, datetime):
        return bool(one.astimezone(UTC) == other.astimezone(UTC))
    if isinstance(one, tuple) and one and isinstance(one[0], EvidenceFile):
        return bool({file.name: file for file in one} == {file.name: file for file in other})
    return bool(one == other)
