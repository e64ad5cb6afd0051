"""Files and folders that are there whole or not at all, also after a power cut."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path


def sync_file(path: Path) -> None:
    """Ask the disk to keep a file's bytes."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(path: Path) -> None:
    """Ask the disk to keep a folder's names."""
    sync_file(path)


def put_in_place(temporary: Path, target: Path) -> None:
    """Give a finished file its name, durably."""
    sync_file(temporary)
    temporary.replace(target)
    sync_folder(target.parent)


def put_private(path: Path, content: bytes, *, mode: int = 0o600, may_replace: bool = True) -> None:
    """A whole file with its mode from the first moment on.

    Raises:
        FileExistsError: it is there and may not be replaced.
        OSError: it cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if may_replace:
            put_in_place(temporary, path)
        else:
            path.hardlink_to(temporary)  # unlike a rename, this refuses where there is one
            sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
