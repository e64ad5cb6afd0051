"""The vault: one folder for each sealed record, complete from the moment it has its name.

A record is made in a hidden folder beside it, hashed, flushed to the disk, then renamed. Nothing that
a sealed folder holds is ever changed; where the site has an encryption key, its originals are
encrypted, and `open` is the one way to read them.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from domain.errors import TryAgain
from domain.events import EvidenceFile
from domain.evidence import EvidenceRecord
from evidence_store.encrypted_file import (
    ENDING,
    encrypt_file,
)
from evidence_store.folder_lock import alone_with
from evidence_store.keys import Signer
from evidence_store.manifest import write_seal
from evidence_store.numbers_file import (
    NUMBERS_NAME,
    VECTORS_NAME,
    VECTORS_ROLE,
    read_numbers,
    spell_numbers,
    spell_vectors,
)
from evidence_store.roles import is_original
from evidence_store.sealed_files import SealedFiles, as_file, vouch_for
from evidence_store.whole_files import sync_file, sync_folder

log = structlog.get_logger()


class Vault(SealedFiles):
    """Sealed records in one folder, and the way into it."""

    @contextmanager
    def draft(self, evidence_id: str) -> Iterator[Path]:
        """An empty folder to put a record's files in; gone afterwards unless sealed.

        Raises:
            TryAgain: the disk is full, or the folder cannot be written.
        """
        final = self.folder_of(evidence_id)
        with saying_what_failed(f"evidence {evidence_id}", final):
            self.folder.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=f".{evidence_id}.", dir=self.folder))
            in_use = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(in_use, fcntl.LOCK_EX)
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(in_use)

    def clear_drafts(self) -> None:
        """Delete what a killed process left half done: drafts hold originals that are still plain."""
        for folder in self.folder.glob(".evd-*"):
            in_use = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
                log.info("draft_cleared", folder=folder.name)
            except BlockingIOError:
                continue
            finally:
                os.close(in_use)

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
            record: `files` is ignored and filled in.
            roles: file name -> role, for each file in the draft.
            story: what else numbers.json should hold (offence, rule, history); JSON values.
            signer: the site's key; None leaves the record visibly unsigned.
        Returns:
            the record with its files. Where another process has sealed the same record
            meanwhile, that one.
        Raises:
            TryAgain: the disk is full, or the folder cannot be written.
            PutAside: the facts cannot be written as canonical JSON.
        """
        final = self.folder_of(record.evidence_id)
        with saying_what_failed(f"evidence {record.evidence_id}", final):
            (folder / VECTORS_NAME).write_bytes(spell_vectors(record))
            files = tuple(
                self._take_in(record.evidence_id, folder / name, role)
                for name, role in sorted({**roles, VECTORS_NAME: VECTORS_ROLE}.items())
            )
            sealed = replace(record, files=files)
            numbers, content = folder / NUMBERS_NAME, spell_numbers(sealed, story)
            numbers.write_bytes(content)
            sealed = replace(sealed, files=(*files, vouch_for(numbers, "numbers")))
            write_seal(folder, sealed, sealed.files, read_numbers(content)[1], signer)
            for path in folder.iterdir():
                path.chmod(0o444)
                sync_file(path)
            folder.chmod(0o755)
            sync_folder(folder)
            try:
                folder.rename(final)
            except OSError:
                faster = self.read(record.evidence_id)
                if faster is None:
                    raise
                return faster
            sync_folder(self.folder)
        return sealed

    def set_aside(
        self, evidence_id: str, tell: Callable[[Path], object] = lambda aside: None
    ) -> Path:
        """Move a record that does not verify out of the way, keeping every byte of it.

        Args:
            tell: called with where it goes, before it does: a backup that finds it gone must be able
                to read why.
        """
        final = self.folder_of(evidence_id)
        with saying_what_failed(f"evidence {evidence_id}", final), alone_with(final):
            aside = Path(tempfile.mkdtemp(prefix=f"set-aside-{evidence_id}-", dir=self.folder))
            tell(aside)
            final.rename(aside / evidence_id)
            sync_folder(self.folder)
        log.warning("evidence_set_aside", evidence_id=evidence_id, folder=str(aside))
        return aside

    def _take_in(self, evidence_id: str, path: Path, role: str) -> EvidenceFile:
        """Hash a draft's file; an original is encrypted on the way."""
        key = self.keys.current
        if key is None or not is_original(role):
            return vouch_for(path, role)
        with path.open("rb") as file:
            target = path.with_name(path.name + ENDING)
            plain = encrypt_file(file, target, f"{evidence_id}/{path.name}", key)
        path.unlink()
        return as_file(path.name, role, plain)


@contextmanager
def saying_what_failed(what: str, where: Path) -> Iterator[None]:
    """Turn errors of the disk into TryAgain: space, permissions and mounts come back."""
    try:
        yield
    except OSError as error:
        raise TryAgain(
            f"{what}: cannot be written to {where}: {error.strerror or error}; "
            "is the disk full or read-only?"
        ) from error
