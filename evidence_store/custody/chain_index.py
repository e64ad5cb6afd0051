"""Know where a custody chain tells of which record, so that nobody reads the whole file to add a line.

Kept in memory, one for each file and process, and read on from where it stopped. Nothing is checked.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path

from evidence_store.files.plain_file import open_plain

_EVIDENCE_ID, _KEY_ID = b'"evidence_id":"', b'"key_id":"'
_ROTATED = b'"kind":"key rotated"'


class ChainIndex:
    """Offsets of a chain's lines by record, and of those at which another key signs or is named."""

    def __init__(self, path: Path) -> None:
        """Begin with nothing read."""
        self._path = path
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._inode, self._read_bytes = -1, 0
        self._last_line = b""
        self._by_record: defaultdict[bytes, list[int]] = defaultdict(list)
        self._of_keys: list[int] = []
        self._key_id = b""

    def about(self, evidence_id: str) -> list[bytes]:
        """Return the lines about one record; "" is what concerns all. OSError: the file cannot be read."""
        return self._lines(lambda: self._by_record.get(evidence_id.encode(), []))

    def of_keys(self) -> list[bytes]:
        """Return the lines at which another key signs than before, or one is named."""
        return self._lines(lambda: self._of_keys)

    def _lines(self, offsets: Callable[[], list[int]]) -> list[bytes]:
        try:
            with open_plain(self._path) as file, self._lock:
                self._catch_up(file.fileno())
                lines = []
                for offset in offsets():
                    file.seek(offset)
                    lines.append(file.readline())
                return lines
        except FileNotFoundError:
            return []

    def _catch_up(self, handle: int) -> None:
        stat = os.fstat(handle)
        start = self._read_bytes - len(self._last_line)
        is_same = (
            stat.st_ino == self._inode
            and stat.st_size >= self._read_bytes
            and os.pread(handle, len(self._last_line), start) == self._last_line
        )
        if not is_same:
            self._forget()
            self._inode = stat.st_ino
        if stat.st_size == self._read_bytes:
            return
        with os.fdopen(os.dup(handle), "rb") as file:
            file.seek(self._read_bytes)
            for line in file:
                # still being written
                if not line.endswith(b"\n"):
                    break
                self._note(line)
                self._read_bytes += len(line)
                self._last_line = line

    def _note(self, line: bytes) -> None:
        # canonical JSON: members in order, "details" before them, quotes within words escaped
        self._by_record[_word_after(_EVIDENCE_ID, line)].append(self._read_bytes)
        key_id = _word_after(_KEY_ID, line)
        if (key_id and key_id != self._key_id) or _ROTATED in line:
            self._of_keys.append(self._read_bytes)
            self._key_id = key_id


def _word_after(name: bytes, line: bytes) -> bytes:
    at = line.rfind(name)
    return b"" if at < 0 else line[at + len(name) : line.find(b'"', at + len(name))]


@cache
def index_of(path: Path) -> ChainIndex:
    """Return the index of a file that all of this process share."""
    return ChainIndex(path)
