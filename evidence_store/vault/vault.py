"""Seal records in the vault: one folder for each, complete from the moment it has its name.

A record is made in a hidden folder beside it, hashed, flushed to the disk, then renamed. Nothing that
a sealed folder holds is ever changed; where the site has an encryption key, its originals are
encrypted, and `open` is the one way to read them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from domain.events.catalog import EvidenceFile
from domain.evidence import EvidenceRecord
from domain.files import sync_file
from domain.processes.file_lock import LockHeld, lock_handle
from evidence_store.files.folder_lock import exclusive_lock
from evidence_store.files.try_again import reraise_as_try_again
from evidence_store.keys.encrypted_file import ENDING, encrypt_file
from evidence_store.keys.signing_keys import Signer
from evidence_store.vault.file_roles import is_original
from evidence_store.vault.manifest import write_seal
from evidence_store.vault.numbers_file import (
    NUMBERS_NAME,
    VECTORS_NAME,
    VECTORS_ROLE,
    read_numbers,
    spell_numbers,
    spell_vectors,
)
from evidence_store.vault.re_encrypt import clear_re_encrypted
from evidence_store.vault.sealed_files import SealedFiles, describe_file, evidence_file

log = structlog.get_logger()

# a link in a draft to the file, elsewhere, that is being made of it; only files with this prefix are deleted
OUTSIDE, OUTSIDE_PREFIX = "outside", ".forewarn-export-"


class Vault(SealedFiles):
    """Sealed records in one folder, to read and to seal."""

    @contextmanager
    def draft(self, evidence_id: str) -> Iterator[Path]:
        """Make an empty folder for a record's files; gone afterwards unless sealed.

        Raises:
            TryAgain: the disk is full, or the folder cannot be written.
        """
        final = self.folder_of(evidence_id)
        with reraise_as_try_again(f"evidence {evidence_id}", final):
            self.folder.mkdir(parents=True, exist_ok=True)
            folder, in_use = self._new_draft(evidence_id)
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(in_use)

    def _new_draft(self, evidence_id: str) -> tuple[Path, int]:
        """Make a folder and lock it: until it is released, `clear_drafts` of others leaves it alone."""
        while True:
            folder = Path(tempfile.mkdtemp(prefix=f".{evidence_id}.", dir=self.folder))
            in_use = os.open(folder, os.O_RDONLY)
            lock_handle(in_use)
            if folder.exists():
                return folder, in_use
            os.close(in_use)  # it was cleared before it was locked

    def clear_drafts(self) -> None:
        """Delete what a killed process left half done: drafts hold originals that are still plain.

        Of an export that includes the unfinished zip beside its target, of a re-encryption the new file.
        """
        for folder in self.folder.glob(".evd-*"):
            try:
                in_use = os.open(folder, os.O_RDONLY)
            except FileNotFoundError:
                continue
            try:
                lock_handle(in_use, wait_s=0)
                _clear_outside(folder)
                shutil.rmtree(folder, ignore_errors=True)
                log.info("draft_cleared", folder=folder.name)
            except LockHeld:  # somebody is at work in it
                continue
            finally:
                os.close(in_use)
        clear_re_encrypted(self)

    def seal(
        self,
        folder: Path,
        record: EvidenceRecord,
        roles: Mapping[str, str],
        story: Mapping[str, Any],
        signer: Signer | None = None,
    ) -> EvidenceRecord:
        """Hash a draft's files, encrypt originals, write numbers and manifest, sign, give it its name.

        Args:
            folder: the draft.
            record: `files` is ignored and filled in.
            roles: file name -> role, for each file in the draft.
            story: what else numbers.json should hold (offence, rule, history); JSON values.
            signer: the site's key; None leaves the record visibly unsigned.
        Returns:
            the record with its files; where another process has sealed it meanwhile, that one.
        Raises:
            TryAgain: the disk is full, or the folder cannot be written.
            PutAside: the facts cannot be written as canonical JSON.
        """
        final = self.folder_of(record.evidence_id)
        with reraise_as_try_again(f"evidence {record.evidence_id}", final):
            (folder / VECTORS_NAME).write_bytes(spell_vectors(record))
            files = tuple(
                self._seal_file(record.evidence_id, folder / name, role)
                for name, role in sorted({**roles, VECTORS_NAME: VECTORS_ROLE}.items())
            )
            sealed = replace(record, files=files)
            numbers, content = folder / NUMBERS_NAME, spell_numbers(sealed, story)
            numbers.write_bytes(content)
            sealed = replace(sealed, files=(*files, describe_file(numbers, "numbers")))
            write_seal(folder, sealed, sealed.files, read_numbers(content)[1], signer)
            for path in folder.iterdir():
                path.chmod(0o444)
                sync_file(path)
            folder.chmod(0o755)
            sync_file(folder)
            try:
                folder.rename(final)
            except OSError:
                faster = self.read(record.evidence_id)
                if faster is None:
                    raise
                return faster
            sync_file(self.folder)
        return sealed

    def set_aside(
        self, evidence_id: str, note: Callable[[Path], object] = lambda aside: None
    ) -> Path:
        """Move a record that does not verify out of the way, keeping every byte of it.

        `note` is called with the new place before the record moves: a backup that finds it gone must
        be able to read why.
        """
        final = self.folder_of(evidence_id)
        with reraise_as_try_again(f"evidence {evidence_id}", final), exclusive_lock(final):
            aside = Path(tempfile.mkdtemp(prefix=f"set-aside-{evidence_id}-", dir=self.folder))
            note(aside)
            final.rename(aside / evidence_id)
            sync_file(self.folder)
        log.warning("evidence_set_aside", evidence_id=evidence_id, folder=str(aside))
        return aside

    def _seal_file(self, evidence_id: str, path: Path, role: str) -> EvidenceFile:
        """Hash a draft's file; an original is encrypted on the way."""
        key = self.keys.current
        if key is None or not is_original(role):
            return describe_file(path, role)
        with path.open("rb") as file:
            target = path.with_name(path.name + ENDING)
            plain = encrypt_file(file, target, f"{evidence_id}/{path.name}", key)
        path.unlink()
        return evidence_file(path.name, role, plain)


def _clear_outside(draft: Path) -> None:
    link = draft / OUTSIDE
    if link.is_symlink() and link.readlink().name.startswith(OUTSIDE_PREFIX):
        with suppress(OSError):  # its disk may be away
            link.readlink().unlink()
