"""Keep the keys that encrypt originals: one in force, and older ones that still open files.

They come from the environment (FOREWARN_ENCRYPTION_KEY: 64 hex digits, older keys behind it; "off"
in the first place: none is in force), or from the key folder: `encryption.key` is in force,
`encryption-retired/<key id>.key` still open what they encrypted. A key's id identifies the key and
reveals nothing of its bytes.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from domain.errors import Stop, TryAgain
from domain.files import write_atomically
from evidence_store.files.plain_file import read_plain

KEY_VARIABLE = "FOREWARN_ENCRYPTION_KEY"
NONE_IN_FORCE = "off"  # in the variable, before keys that still open files
KEY_NAME = "encryption.key"
RETIRED_FOLDER = "encryption-retired"
_HEX_64 = re.compile(r"[0-9a-f]{64}")


class EncryptionKeyMissing(Stop):
    """The key that a file is encrypted with is not at hand; the file itself may be sound."""


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """32 random bytes, identified by `key_id`."""

    secret: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        """Id of the key: 32 hex digits, computed from it by a one-way function."""
        return hashlib.sha256(b"forewarn encryption key id" + self.secret).hexdigest()[:32]

    @classmethod
    def read(cls, text: str, where: str) -> Self:
        """Read a key as spelled in `where`; raises Stop, without repeating it, if it is none."""
        if not _HEX_64.fullmatch(text.strip()):
            raise Stop(
                f"{where}: an encryption key is 64 lower-case hex digits, got {len(text.strip())} "
                "characters that are not; put the right key back, or make one with "
                "`forewarn keys encryption create`"
            )
        return cls(bytes.fromhex(text.strip()))


@dataclass(frozen=True, slots=True)
class EncryptionKeys:
    """All keys at hand."""

    current: EncryptionKey | None = None  # encrypts what comes; None: originals stay plain
    retired: Mapping[str, EncryptionKey] = field(default_factory=dict)  # by key id; open only
    source: str = "nowhere"  # where they were looked for, for messages

    def need(self, key_id: str, path: str) -> EncryptionKey:
        """Return the key that `path` needs; raises EncryptionKeyMissing if it is not at hand."""
        if self.current is not None and self.current.key_id == key_id:
            return self.current
        if key_id in self.retired:
            return self.retired[key_id]
        at_hand = [*([self.current.key_id] if self.current else []), *self.retired]
        raise EncryptionKeyMissing(
            f"{path}: is encrypted with key {key_id}, which is not at hand (looked in {self.source}, "
            f"found {', '.join(at_hand) or 'none'}); name its folder with --keys or FOREWARN_KEYS, "
            f"or put the key into {KEY_VARIABLE}"
        )


class EncryptionKeyFolder:
    """Key files of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def key_file(self) -> Path:
        """File of the key in force."""
        return self.folder / KEY_NAME

    def has_key(self) -> bool:
        """Tell whether a key is in force."""
        return self.key_file.exists()

    def create(self) -> EncryptionKey:
        """Make the folder's first key.

        Raises:
            Stop: there is one already.
            TryAgain: the folder cannot be written.
        """
        key = new_key()
        try:
            _write(self.key_file, key, may_replace=False)
        except FileExistsError as error:
            raise Stop(
                f"{self.key_file}: there is a key already and it is never written over; "
                "`forewarn keys encryption rotate` makes a new one and keeps the old"
            ) from error
        return key

    def rotate(self) -> tuple[EncryptionKey, EncryptionKey]:
        """Put a new key in force; the old one still opens what it encrypted. Returns (old, new).

        Raises:
            Stop: there is none yet.
            TryAgain: the folder cannot be written.
        """
        old, new = _read(self.key_file), new_key()
        # first the old key's new place: a crash in between loses nothing
        _write(self._retired_file(old.key_id), old)
        _write(self.key_file, new)
        return old, new

    def retire(self) -> EncryptionKey:
        """Take the key out of force without a new one; what is encrypted can still be opened.

        Raises:
            Stop: there is none.
            TryAgain: the folder cannot be written.
        """
        old = _read(self.key_file)
        _write(self._retired_file(old.key_id), old)
        try:
            self.key_file.unlink()
        except OSError as error:
            raise TryAgain(f"{self.key_file}: cannot be removed: {error.strerror}") from error
        return old

    def forget(self, key_id: str) -> None:
        """Delete a retired key: nothing that needs it can be opened again, backups included."""
        self._retired_file(key_id).unlink(missing_ok=True)

    def _retired_file(self, key_id: str) -> Path:
        return self.folder / RETIRED_FOLDER / f"{key_id}.key"

    def keys(self) -> EncryptionKeys:
        """Read all keys of this folder; raises Stop if a file is no key, or others may read it."""
        current = _read(self.key_file) if self.has_key() else None
        retired = [_read(path) for path in sorted((self.folder / RETIRED_FOLDER).glob("*.key"))]
        return EncryptionKeys(current, {key.key_id: key for key in retired}, str(self.folder))


def find_encryption_keys(folder: Path) -> EncryptionKeys:
    """Read the keys of the environment, or of a key folder where the environment has none.

    Raises:
        Stop: there is a key, but it cannot be used.
    """
    given = _keys_in_environment()
    if not given:
        return EncryptionKeyFolder(folder).keys()
    is_off = given[0] == NONE_IN_FORCE
    keys = [EncryptionKey.read(text, KEY_VARIABLE) for text in given[is_off:]]
    current, older = (None, keys) if is_off else (keys[0], keys[1:])
    return EncryptionKeys(current, {key.key_id: key for key in older}, KEY_VARIABLE)


def check_not_by_variable(instead: str) -> None:
    """Refuse to change key files while the key in force comes from the environment.

    Raises:
        Stop: it does, where it counts before any key file; the message says what to do `instead`.
    """
    given = _keys_in_environment()
    if given and given[0] != NONE_IN_FORCE:
        raise Stop(
            f"the encryption key in force comes from {KEY_VARIABLE}, which counts before any key file; "
            f"{instead}"
        )


def _keys_in_environment() -> list[str]:
    return os.environ.get(KEY_VARIABLE, "").replace(",", " ").split()


def new_key() -> EncryptionKey:
    """Draw 32 bytes from the operating system's randomness; stored nowhere yet."""
    return EncryptionKey(secrets.token_bytes(32))


def _write(path: Path, key: EncryptionKey, *, may_replace: bool = True) -> None:
    content = f"{key.secret.hex()}\n".encode("ascii")
    try:
        write_atomically(path, content, mode=0o600, may_replace=may_replace)
    except OSError as error:
        if isinstance(error, FileExistsError) and not may_replace:
            raise
        raise TryAgain(f"{path}: cannot be written: {error.strerror}") from error


def _read(path: Path) -> EncryptionKey:
    try:
        text = read_plain(path).decode("ascii", errors="replace")
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise Stop(
            f"{path}: there is no encryption key; `forewarn keys encryption create` makes one"
        ) from error
    except OSError as error:
        raise Stop(f"{path}: cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise Stop(
            f"{path}: may be read by others than its owner (mode {mode & 0o777:o}); run "
            f"`chmod 600 {path}`, and rotate the key if somebody may have copied it"
        )
    return EncryptionKey.read(text, str(path))
