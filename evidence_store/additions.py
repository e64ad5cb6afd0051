"""Masked copies made after a record was sealed: in its folder's `added/`, vouched for by the chain.

Making them takes longer than sealing may, so they come later. The custody chain's entry, signed and
linked like all, names each with its SHA-256 and says what it was made from; what the record itself
holds stays as it was sealed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from domain.errors import PutAside
from domain.events import EvidenceFile
from evidence_store.custody import CustodyChain, Entry
from evidence_store.erasure import check_not_erased
from evidence_store.folder_lock import alone_with
from evidence_store.sealed_files import ADDED, SealedFiles, vouch_for
from evidence_store.vault import Vault, saying_what_failed
from evidence_store.whole_files import sha256_of, sync_file, sync_folder


def add_files(
    vault: Vault,
    chain: CustodyChain,
    evidence_id: str,
    folder: Path,
    roles: Mapping[str, str],
    how: Mapping[str, Any],
) -> tuple[EvidenceFile, ...]:
    """Give a draft's files their place beside the sealed ones, and tell the chain of them.

    Args:
        folder: the draft (Vault.draft).
        roles: file name -> role, for each file in it.
        how: what they were made from and by what; JSON values.
    Returns:
        the files; their names begin with "added/".
    Raises:
        TryAgain: disk or chain cannot be written; call again.
        PutAside: the record is gone, or is being erased.
    """
    record = vault.folder_of(evidence_id)
    with saying_what_failed(f"masked copies of {evidence_id}", record):
        for path in folder.iterdir():
            path.chmod(0o444)
            sync_file(path)
        folder.chmod(0o755)
        sync_folder(folder)
        files = tuple(
            vouch_for(folder / name, role).model_copy(update={"name": f"{ADDED}/{name}"})
            for name, role in sorted(roles.items())
        )
        told = {"files": [file.model_dump() for file in files], "how": dict(how)}
        # copies and entry in one: whoever looks at the record sees both or none
        with alone_with(record) as is_there:
            if not is_there:
                raise PutAside(f"{evidence_id}: is not in the vault any more, nothing was added")
            check_not_erased(evidence_id, chain)
            _put_in_place(folder, record / ADDED)
            chain.append_once("added", evidence_id, told)
    return files


def added_files(entries: Sequence[Entry]) -> tuple[EvidenceFile, ...]:
    """What was added to a record last.

    Args:
        entries: of the custody chain, about this record.
    """
    for entry in reversed(entries):
        if entry["kind"] == "added":
            try:
                return tuple(
                    EvidenceFile.model_validate(each) for each in entry["details"]["files"]
                )
            except (KeyError, TypeError, ValidationError):
                return ()
    return ()


def faults_of_added(
    vault: SealedFiles, evidence_id: str, files: Sequence[EvidenceFile]
) -> list[str]:
    """What of a record's added copies is not as it was added, a line each.

    Args:
        files: as the chain tells of them.
    """
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
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return faults + [
        f"{evidence_id}/{ADDED}/{name}: the custody chain does not tell of it"
        for name in there
        if f"{ADDED}/{name}" not in known
    ]


def _put_in_place(folder: Path, final: Path) -> None:
    """One step where there were none; what an interrupted attempt left is replaced."""
    if final.exists():
        left = Path(tempfile.mkdtemp(prefix=f".{final.parent.name}.{ADDED}.", dir=final.parents[1]))
        final.rename(left / ADDED)
        shutil.rmtree(left, ignore_errors=True)
    folder.rename(final)
    sync_folder(final.parent)
