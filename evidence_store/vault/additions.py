"""Add masked copies to a sealed record, in its folder's `added/`, and check them by the custody chain.

Making them takes longer than sealing may, so they come later. The custody chain's entry, signed and
linked like all others, names each with its SHA-256 and says what it was made from; what the record
itself holds stays as it was sealed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from domain.errors import PutAside
from domain.events.catalog import EvidenceFile
from domain.files import sha256_of, sync_file
from evidence_store.custody.chain import CustodyChain, Entry
from evidence_store.custody.records_on_chain import check_not_erased
from evidence_store.files.folder_lock import exclusive_lock
from evidence_store.files.try_again import reraise_as_try_again
from evidence_store.vault.sealed_files import ADDED, SealedFiles, describe_file
from evidence_store.vault.vault import Vault


def add_files(
    vault: Vault,
    chain: CustodyChain,
    evidence_id: str,
    folder: Path,
    roles: Mapping[str, str],
    how: Mapping[str, Any],
) -> tuple[EvidenceFile, ...]:
    """Put a draft's files beside the sealed ones, and list them in the custody chain as "added".

    `folder` is the draft (Vault.draft), `roles` has a role for each file in it, and `how` says what
    they were made from and by what, in JSON values. The names of the files returned begin with "added/".

    Raises:
        TryAgain: disk or chain cannot be written; call again.
        PutAside: the record is gone, or is being erased.
    """
    record = vault.folder_of(evidence_id)
    with reraise_as_try_again(f"masked copies of {evidence_id}", record):
        for path in folder.iterdir():
            path.chmod(0o444)
            sync_file(path)
        folder.chmod(0o755)
        sync_file(folder)
        files = tuple(
            describe_file(folder / name, role).model_copy(update={"name": f"{ADDED}/{name}"})
            for name, role in sorted(roles.items())
        )
        details = {"files": [file.model_dump() for file in files], "how": dict(how)}
        # whoever looks at the record sees both copies and entry, or neither
        with exclusive_lock(record) as is_there:
            if not is_there:
                raise PutAside(f"{evidence_id}: is not in the vault any more, nothing was added")
            check_not_erased(evidence_id, chain)
            _put_in_place(folder, record / ADDED)
            chain.append_once("added", evidence_id, details)
    return files


def added_files(entries: Sequence[Entry]) -> tuple[EvidenceFile, ...]:
    """List the files that were added to a record last, by its entries in the custody chain."""
    for entry in reversed(entries):
        if entry["kind"] == "added":
            try:
                files = entry["details"]["files"]
                return tuple(EvidenceFile.model_validate(file) for file in files)
            except (KeyError, TypeError, ValidationError):
                return ()
    return ()


def faults_of_added(
    vault: SealedFiles, evidence_id: str, files: Sequence[EvidenceFile]
) -> list[str]:
    """Compare a record's added copies with `files`, as the chain lists them; a line for each fault."""
    folder = vault.folder_of(evidence_id) / ADDED
    known = {file.name for file in files}
    faults = []
    for file in files:
        path = folder.parent / file.name
        try:
            if path.is_symlink() or not path.is_file():
                faults.append(f"{evidence_id}/{file.name}: is missing")
            elif (path.stat().st_size, sha256_of(path)) != (file.size_bytes, file.sha256):
                faults.append(
                    f"{evidence_id}/{file.name}: changed: its SHA-256 is not the one told of"
                )
        except OSError as error:
            faults.append(f"{evidence_id}/{file.name}: cannot be read: {error.strerror}")
    if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir()):
        faults.append(f"{evidence_id}/{ADDED}: is no folder")
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return faults + [
        f"{evidence_id}/{ADDED}/{name}: the custody chain does not tell of it"
        for name in there
        if f"{ADDED}/{name}" not in known
    ]


def _put_in_place(folder: Path, final: Path) -> None:
    """Move the draft to its place in one step; what an interrupted attempt left is replaced."""
    if final.exists():
        left = Path(tempfile.mkdtemp(prefix=f".{final.parent.name}.{ADDED}.", dir=final.parents[1]))
        final.rename(left / ADDED)
        shutil.rmtree(left, ignore_errors=True)
    folder.rename(final)
    sync_file(final.parent)
