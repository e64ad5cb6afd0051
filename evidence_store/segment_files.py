"""A camera's recorded files on the disk: plain while they are written, encrypted once they are closed.

The index knows a segment by one name. Its bytes lie under that name, or with `.enc` behind it where
the site encrypts: whole under the one before they go from the other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from domain.errors import PutAside
from evidence_store.encrypted_file import ENDING, encrypt_only, key_id_of_file, open_encrypted
from evidence_store.encryption_keys import EncryptionKeyMissing, EncryptionKeys
from evidence_store.packets import first_line, open_video

_TEMPORARY = ".part"
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """One recorded file, to be opened when it is read."""

    path: Path  # under its own name, whether or not it is encrypted
    keys: EncryptionKeys

    @property
    def lies_at(self) -> Path:
        """Where its bytes are now."""
        encrypted = encrypted_path(self.path)
        return encrypted if encrypted.exists() else self.path

    def open(self) -> BinaryIO:
        """Its bytes as they were recorded, to read and to seek in.

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
        """Why it cannot be read, "" if it can: its key is at hand, each chunk opens, it is a video."""
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
    """The files of one camera."""

    def __init__(self, folder: Path, keys: EncryptionKeys | None = None) -> None:
        """Args:
        keys: open what is encrypted; the one in force encrypts what is closed. None: all is plain.
        """
        self.folder = folder
        self._keys = keys or EncryptionKeys()

    def file(self, name: str) -> SegmentFile:
        """A segment's file, there or not."""
        return SegmentFile(self.folder / name, self._keys)

    def exists(self, name: str) -> bool:
        """True where a segment's bytes are there."""
        return self.file(name).lies_at.is_file()

    def finish(self, name: str) -> None:
        """Encrypt a file that nobody writes to any more, where the site encrypts.

        Raises:
            OSError: there is no room, or it cannot be read; then it stays as it is.
        """
        key, plain = self._keys.current, self.folder / name
        if key is None:
            return
        encrypted = encrypted_path(plain)
        if not encrypted.exists():
            temporary = encrypted.with_name(f".{encrypted.name}{_TEMPORARY}")
            temporary.unlink(missing_ok=True)
            try:
                with plain.open("rb") as file:
                    encrypt_only(file, temporary, _binding(plain), key)
                temporary.rename(encrypted)
            finally:
                temporary.unlink(missing_ok=True)
        plain.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Delete a segment's bytes, however they lie there."""
        path = self.folder / name
        encrypted = encrypted_path(path)
        for each in (path, encrypted, encrypted.with_name(f".{encrypted.name}{_TEMPORARY}")):
            each.unlink(missing_ok=True)


def encrypted_path(path: Path) -> Path:
    """Where a segment's bytes lie once they are encrypted."""
    return path.with_name(path.name + ENDING)


def count_recordings_by_key(recordings: Path) -> Counter[str]:
    """How many recorded files of all cameras are encrypted with which key."""
    counted: Counter[str] = Counter()
    for path in recordings.glob(f"*/*{ENDING}"):
        try:
            counted[key_id_of_file(path)] += 1
        except (OSError, PutAside):  # gone meanwhile, or damaged
            continue
    return counted


def _binding(plain: Path) -> str:
    """What it is, for the cipher: a file that was exchanged for another one does not open."""
    return f"recordings/{plain.parent.name}/{plain.name}"
