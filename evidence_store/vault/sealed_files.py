"""Read the files of sealed records as they were sealed: the one way to originals, encrypted or not."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, cast

from domain.errors import ForewarnError, PutAside, TryAgain
from domain.events.catalog import EvidenceFile
from domain.evidence import EvidenceRecord
from domain.files import sha256_of
from evidence_store.files.hashed_copy import copy_hashed
from evidence_store.files.plain_file import open_plain, read_plain
from evidence_store.keys.encrypted_file import (
    ENDING,
    FileDigest,
    key_id_of_file,
    open_encrypted,
    plain_size_of,
)
from evidence_store.keys.encryption_keys import EncryptionKeys
from evidence_store.vault.numbers_file import NUMBERS_NAME, VECTORS_NAME, read_numbers

EVIDENCE_ID = re.compile(r"evd-[0-9a-f]{16}")
ADDED = "added"  # the sub-folder of copies made later
_FILE_NAME = re.compile(rf"({ADDED}/)?[A-Za-z0-9_][A-Za-z0-9_.-]{{0,199}}")


class SealedFiles:
    """Records of one vault, to read."""

    def __init__(self, folder: Path, keys: EncryptionKeys | None = None) -> None:
        """Open encrypted originals with `keys`; the one in force, if any, encrypts what is sealed."""
        self.folder = folder
        self.keys = keys or EncryptionKeys()

    def folder_of(self, evidence_id: str) -> Path:
        """Return where a record's files lie, or would lie; read originals by `open`: some are encrypted.

        Raises:
            PutAside: it is no evidence id.
        """
        if not EVIDENCE_ID.fullmatch(evidence_id):
            raise PutAside(
                f"an evidence id looks like evd-0123456789abcdef, got {evidence_id[:60]!r}; "
                "`forewarn evidence list` shows them"
            )
        return self.folder / evidence_id

    def ids(self) -> list[str]:
        """List the ids of all sealed records; TryAgain: their folder cannot be read."""
        try:
            names = [path.name for path in self.folder.iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise TryAgain(f"{self.folder}: cannot be read: {error.strerror}") from error
        return sorted(name for name in names if EVIDENCE_ID.fullmatch(name))

    def path_of(self, evidence_id: str, name: str) -> Path:
        """Return where one file's bytes lie: under its own name, or with `.enc` where it is encrypted.

        Raises:
            PutAside: it is no evidence id, or no file's name.
        """
        if not _FILE_NAME.fullmatch(name):
            raise PutAside(f"{evidence_id}: no file of a record is called {name[:60]!r}")
        path = self.folder_of(evidence_id) / name
        encrypted = path.with_name(path.name + ENDING)
        return encrypted if encrypted.exists() else path

    def is_encrypted(self, evidence_id: str, name: str) -> bool:
        """Tell whether a file is encrypted."""
        return self.path_of(evidence_id, name).name != Path(name).name

    def open(self, evidence_id: str, name: str) -> BinaryIO:
        """Open one file as it was sealed, decrypted where need be, to read and to seek in.

        Raises:
            FileNotFoundError: there is no such file.
            EncryptionKeyMissing: it is encrypted with a key that is not at hand.
            PutAside: it is encrypted and was changed; reading raises it for what lies further on.
        """
        try:
            return self._open(evidence_id, name)
        except FileNotFoundError:  # it was encrypted between the look and the opening
            return self._open(evidence_id, name)

    def _open(self, evidence_id: str, name: str) -> BinaryIO:
        path = self.path_of(evidence_id, name)
        if path.name == Path(name).name:
            return open_plain(path)
        return open_encrypted(path, f"{evidence_id}/{name}", self.keys)

    def read_bytes(self, evidence_id: str, name: str) -> bytes:
        """Read a small file as it was sealed; raises what `open` raises."""
        with self.open(evidence_id, name) as file:
            return file.read()

    def size_of(self, evidence_id: str, name: str) -> int:
        """Return the size of one file as it was sealed, in bytes; raises OSError and PutAside."""
        path = self.path_of(evidence_id, name)
        return path.stat().st_size if path.name == Path(name).name else plain_size_of(path)

    def copy_out(self, evidence_id: str, name: str, target: Path) -> str:
        """Write one file, decrypted, to another place; return what was written's SHA-256.

        Raises what `open` raises.
        """
        with self.open(evidence_id, name) as file, target.open("wb") as out:
            return copy_hashed(file, out)[0]

    def check_keys(self, evidence_id: str) -> None:
        """Raise EncryptionKeyMissing if the key of an encrypted file of a record is not at hand."""
        for path in self.folder_of(evidence_id).glob(f"*{ENDING}"):
            try:
                self.keys.need(key_id_of_file(path), str(path))
            except (OSError, PutAside):
                continue  # damaged, which is another matter

    def read(self, evidence_id: str) -> EvidenceRecord | None:
        """Read a sealed record from its own numbers.json; None where there is none that can be read.

        Where vectors.json cannot be read (its key is not at hand), the vectors have no numbers.
        Says nothing about whether the files are still the same: `verify_record` does.
        """
        path = self.folder_of(evidence_id) / NUMBERS_NAME
        try:
            record, _ = read_numbers(read_plain(path), self._vectors(evidence_id))
            # another's numbers would have the other's files checked in place of these
            if record.evidence_id != evidence_id:
                return None
            return replace(record, files=(*record.files, describe_file(path, "numbers")))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _vectors(self, evidence_id: str) -> bytes:
        """Read vectors.json; b"" where it cannot be read, or the record is an old one."""
        try:
            return self.read_bytes(evidence_id, VECTORS_NAME)
        except (OSError, ForewarnError):
            return b""

    def story(self, evidence_id: str) -> dict[str, Any]:
        """Read what numbers.json holds beside the record; {} where there is none that can be read."""
        try:
            return read_numbers(read_plain(self.folder_of(evidence_id) / NUMBERS_NAME))[1]
        except (OSError, ValueError, KeyError, TypeError):
            return {}


def hash_stream(file: BinaryIO) -> FileDigest:
    """Hash and measure the rest of an open file, block by block."""
    began = file.tell()
    # typed without `readinto`, which all of them have
    sha256 = hashlib.file_digest(cast(BufferedReader, file), "sha256")
    return FileDigest(sha256.hexdigest(), file.tell() - began)


def describe_file(path: Path, role: str) -> EvidenceFile:
    """Hash and measure a file of a record."""
    return evidence_file(path.name, role, FileDigest(sha256_of(path), path.stat().st_size))


def evidence_file(name: str, role: str, plain: FileDigest) -> EvidenceFile:
    """Describe a file of a record that was hashed before."""
    return EvidenceFile.model_validate(
        {"name": name, "role": role, "sha256": plain.sha256, "size_bytes": plain.size_bytes}
    )
