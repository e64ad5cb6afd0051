"""Files and folders that are there whole or not at all, also after a power cut."""

from __future__ import annotations

import hashlib
import os
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


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
