"""Read and remove a camera's recorded files: plain while they are written, encrypted once closed.

The index knows a segment by one name. Its bytes lie under that name, or with `.enc` behind it where
the site encrypts: the encrypted file is whole before the plain one goes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from domain.errors import ForewarnError, PutAside
from domain.files import put_in_place
from evidence_store.keys.encrypted_file import ENDING, encrypt_only, key_id_of_file, open_encrypted
from evidence_store.keys.encryption_keys import EncryptionKeyMissing, EncryptionKeys
from evidence_store.media.faults import first_line
from evidence_store.media.packets import open_video

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """Recorded file of one segment, opened when it is read."""

    path: Path  # under its own name, whether or not it is encrypted
    keys: EncryptionKeys

    @property
    def lies_at(self) -> Path:
        """Path of its bytes now."""
        encrypted = encrypted_path(self.path)
        return encrypted if encrypted.exists() else self.path

    def open(self) -> BinaryIO:
        """Open its bytes as they were recorded, to read and to seek in.

        Raises:
            FileNotFoundError: it is gone.
            EncryptionKeyMissing: it is encrypted with a key that is not at hand.
            PutAside: it is encrypted and was changed.
        """
        try:
            return self._open(self.lies_at)
        except FileNotFoundError:  # it was encrypted between the look and the opening
            return self._open(self.lies_at)

    def fault(self) -> str:
        """Describe why it cannot be read: no key, a damaged chunk, no video; "" if it can."""
        try:
            with self.open() as file:
                while file.read(_BLOCK):
                    pass
                container, _ = open_video(file)
                container.close()
        except (OSError, PutAside, EncryptionKeyMissing) as error:
            return first_line(error)
        return ""

    def _open(self, path: Path) -> BinaryIO:
        if path == self.path:
            return path.open("rb")
        return open_encrypted(path, _binding(self.path), self.keys)


class SegmentFiles:
    """Recorded files of one camera."""

    def __init__(self, folder: Path, keys: EncryptionKeys | None = None) -> None:
        """Open with `keys`, and encrypt what is closed with the one in force; None: all is plain."""
        self.folder = folder
        self._keys = keys or EncryptionKeys()

    def file(self, name: str) -> SegmentFile:
        """Return a segment's file, which need not exist."""
        return SegmentFile(self.folder / name, self._keys)

    def exists(self, name: str) -> bool:
        """Tell whether a segment's bytes are there."""
        return self.file(name).lies_at.is_file()

    def finish(self, name: str) -> None:
        """Encrypt a file that nobody writes to any more, where the site encrypts.

        The plain file goes once the encrypted one is on the disk, whole.

        Raises:
            OSError: there is no room, or it cannot be read; then it stays as it is.
        """
        key, plain = self._keys.current, self.folder / name
        encrypted = encrypted_path(plain)
        if key is None or (encrypted.exists() and not plain.exists()):
            return
        # beside a plain file it is what an interruption left: after a loss of power perhaps an empty name
        if not (encrypted.exists() and self._holds_the_same(plain)):
            temporary = _part_of(encrypted)
            temporary.unlink(missing_ok=True)
            try:
                with plain.open("rb") as file:
                    encrypt_only(file, temporary, _binding(plain), key)
                put_in_place(temporary, encrypted)
            finally:
                temporary.unlink(missing_ok=True)
        plain.unlink()

    def _holds_the_same(self, plain: Path) -> bool:
        encrypted = encrypted_path(plain)
        try:
            with (
                plain.open("rb") as one,
                open_encrypted(encrypted, _binding(plain), self._keys) as other,
            ):
                digests = [_digest(each) for each in (one, other)]
        # damaged, or under a key that is not at hand
        except ForewarnError:
            return False
        return digests[0] == digests[1]

    def remove(self, name: str) -> None:
        """Delete a segment's bytes, however they lie there."""
        path = self.folder / name
        encrypted = encrypted_path(path)
        for file in (path, encrypted, _part_of(encrypted)):
            file.unlink(missing_ok=True)


def _digest(file: BinaryIO) -> bytes:
    sha256 = hashlib.sha256()
    for block in iter(lambda: file.read(_BLOCK), b""):
        sha256.update(block)
    return sha256.digest()


def encrypted_path(path: Path) -> Path:
    """Return where a segment's bytes lie once they are encrypted."""
    return path.with_name(path.name + ENDING)


def _part_of(encrypted: Path) -> Path:
    return encrypted.with_name(f".{encrypted.name}.part")


def count_recordings_by_key(recordings: Path) -> Counter[str]:
    """Count the recorded files of all cameras that are encrypted, by key id."""
    counted: Counter[str] = Counter()
    for path in recordings.glob(f"*/*{ENDING}"):
        try:
            counted[key_id_of_file(path)] += 1
        except (OSError, PutAside):  # gone meanwhile, or damaged
            continue
    return counted


def _binding(plain: Path) -> str:
    """Name the segment for the cipher: a file that was exchanged for another one does not open."""
    return f"recordings/{plain.parent.name}/{plain.name}"
