"""Look for the bytes of something that was erased, in every file that could still hold them.

What is looked for are marks: short pieces of the original, spread over it. A mark itself holds eight
bytes and a hash, so that marks may stay on record after the original is gone, and the same search can
be done again by anybody at any time, also in a backup.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np

MARK_BYTES = 48
STARTS_BYTES = 8
MARKS_EACH = 8
# flat stretches and tables that all pictures of an encoder share would be found anywhere
MIN_DIFFERENT_BYTES = 24
MIN_DIFFERENT_STARTS = 6
# headers of pictures and videos are alike; their content begins after this
HEADER_BYTES = 2048
_LOOK_AT_BYTES = 4096
_BLOCK_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Mark:
    """A short piece of an original, known by its first bytes and its hash."""

    of: str  # what it was taken from: a file's name, or a vector's
    starts: bytes  # (8,)
    size_bytes: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """As JSON values, for the custody chain."""
        return {
            "of": self.of,
            "starts": self.starts.hex(),
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
        }

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Self:
        """What `to_json` made."""
        return cls(
            str(told["of"]),
            bytes.fromhex(told["starts"]),
            int(told["size_bytes"]),
            str(told["sha256"]),
        )


def marks_of_bytes(of: str, content: bytes) -> list[Mark]:
    """Marks of something small, such as a vector; [] where nothing in it is telling."""
    found: dict[bytes, Mark] = {}
    step = max(MARK_BYTES, len(content) // MARKS_EACH)
    for start in range(0, len(content), step):
        mark = _mark_in(of, content[start : start + step])
        if mark is not None:
            found.setdefault(mark.starts, mark)
    return list(found.values())


def marks_of_file(of: str, file: BinaryIO, size_bytes: int) -> list[Mark]:
    """Marks of a picture or a video, spread over it; [] where nothing in it is telling.

    Args:
        file: open, can be moved about in.
    """
    begins = HEADER_BYTES if size_bytes > 4 * HEADER_BYTES else 0
    found: dict[bytes, Mark] = {}
    for number in range(MARKS_EACH):
        file.seek(begins + (size_bytes - begins) * number // MARKS_EACH)
        mark = _mark_in(of, file.read(_LOOK_AT_BYTES))
        if mark is not None:
            found.setdefault(mark.starts, mark)
    return list(found.values())


def mark_of_text(text: str) -> Mark:
    """A mark of a short text as a whole, such as an id; at least 8 bytes, at most MARK_BYTES."""
    content = text.encode()
    return Mark(text, content[:STARTS_BYTES], len(content), hashlib.sha256(content).hexdigest())


def _mark_in(of: str, content: bytes) -> Mark | None:
    """The first piece that is not to be found just anywhere."""
    for start in range(0, len(content) - MARK_BYTES + 1, MARK_BYTES):
        piece = content[start : start + MARK_BYTES]
        is_telling = len(set(piece)) >= MIN_DIFFERENT_BYTES
        if is_telling and len(set(piece[:STARTS_BYTES])) >= MIN_DIFFERENT_STARTS:
            hashed = hashlib.sha256(piece).hexdigest()
            return Mark(of, piece[:STARTS_BYTES], MARK_BYTES, hashed)
    return None


@dataclass(frozen=True, slots=True)
class Hit:
    """A mark that was found."""

    owner: str  # whose mark: an evidence id
    of: str
    path: Path
    mark: Mark


@dataclass
class SearchReport:
    """What a search looked at, and what it found."""

    files: int = 0
    size_bytes: int = 0
    hits: list[Hit] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)  # files that could not be looked into, and why


class MarkSearch:
    """Searches files for the marks of any number of records at once."""

    def __init__(self, marks: Iterable[tuple[str, Mark]]) -> None:
        """Args:
        marks: each with its owner.
        """
        self._wanted: dict[bytes, list[tuple[str, Mark]]] = defaultdict(list)
        for owner, mark in marks:
            self._wanted[mark.starts].append((owner, mark))
        self._starts = np.array(
            sorted(int.from_bytes(each, "little") for each in self._wanted), np.uint64
        )
        self._is_first_pair = np.zeros(1 << 16, bool)
        self._is_first_pair[(self._starts & np.uint64(0xFFFF)).astype(np.int64)] = True

    def search(
        self, files: Iterable[Path], look: Callable[[Path], None] = lambda _: None
    ) -> SearchReport:
        """Look into files; those that vanish meanwhile are passed over.

        Args:
            look: told each file before it is looked into, for progress and signs of life.
        """
        report = SearchReport()
        for path in files:
            look(path)
            try:
                with path.open("rb") as file:
                    for hit in self._search_file(file, path, report):
                        if hit not in report.hits:
                            report.hits.append(hit)
                report.files += 1
            except FileNotFoundError:
                continue
            except OSError as error:
                report.unread.append(f"{path}: cannot be read: {error.strerror}")
        return report

    def _search_file(self, file: BinaryIO, path: Path, report: SearchReport) -> Iterator[Hit]:
        before = b""
        while block := file.read(_BLOCK_BYTES):
            report.size_bytes += len(block)
            content = before + block
            for place in self._places(content):
                for owner, mark in self._wanted.get(content[place : place + STARTS_BYTES], ()):
                    piece = content[place : place + mark.size_bytes]
                    if hashlib.sha256(piece).hexdigest() == mark.sha256:
                        yield Hit(owner, mark.of, path, mark)
            before = content[-(MARK_BYTES - 1) :]

    def _places(self, content: bytes) -> Sequence[int]:
        """Where one of the wanted beginnings stands."""
        if len(content) < STARTS_BYTES or not len(self._starts):
            return []
        every = np.frombuffer(content, np.uint8)
        last = len(every) - STARTS_BYTES + 1
        pairs = every[:last].astype(np.uint16) | (every[1 : last + 1].astype(np.uint16) << 8)
        places = np.flatnonzero(self._is_first_pair[pairs])
        values = np.zeros(len(places), np.uint64)
        for number in range(STARTS_BYTES):
            values |= every[places + number].astype(np.uint64) << np.uint64(8 * number)
        found: list[int] = places[np.isin(values, self._starts)].tolist()
        return found


def files_below(folder: Path, skip: Callable[[Path], bool] = lambda _: False) -> Iterator[Path]:
    """Every plain file below a folder, links not followed.

    Args:
        skip: says which files need not be looked into.
    """
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(root, name)
            try:
                is_plain = stat.S_ISREG(path.lstat().st_mode)
            except OSError:
                continue
            if is_plain and not skip(path):
                yield path
