"""Copy bytes and hash exactly those that were copied."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

_BLOCK = 1 << 20


def copy_hashed(source: BinaryIO, out: BinaryIO) -> tuple[str, int]:
    """Copy the rest of an open file; return (SHA-256, size in bytes)."""
    sha256, size_bytes = hashlib.sha256(), 0
    while block := source.read(_BLOCK):
        sha256.update(block)
        out.write(block)
        size_bytes += len(block)
    return sha256.hexdigest(), size_bytes
