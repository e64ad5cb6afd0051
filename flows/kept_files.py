"""Files that a flow keeps for good: plain names out of ids, and content that survives a loss of power."""

from __future__ import annotations

import os
import re
from pathlib import Path

from domain.ids import mint

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


def plain_name(name: str) -> str:
    """The name itself where it is plain, else a name minted from it: ids come from outside."""
    return name if _PLAIN_NAME.fullmatch(name) else mint("name", name)


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file in one step; it survives a loss of power once this returns.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    # flushed before the rename: after a loss of power an empty file would pass for a whole one
    path.parent.mkdir(parents=True, exist_ok=True)
    # one name for all attempts: what a killed one left is written over by the next
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        temporary.unlink(missing_ok=True)
