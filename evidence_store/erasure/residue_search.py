"""Search files for the bytes of something that was erased.

Fingerprints are searched for: short pieces of the original, spread over it. A fingerprint holds eight bytes and
a hash only, so it may stay on record after the original is gone, and anybody can search again at any time,
also in a backup.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
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
class Fingerprint:
    """A short piece of an original, known by its first bytes and its hash."""

    of: str  # what it was taken from: a file's name, or a vector's
    starts: bytes  # (8,)
    size_bytes: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, for the custody chain."""
        return asdict(self) | {"starts": self.starts.hex()}

    @classmethod
    def from_json(cls, mark: dict[str, Any]) -> Self:
        """Read what `to_json` made; raises KeyError, TypeError and ValueError."""
        return cls(
            str(mark["of"]),
            bytes.fromhex(mark["starts"]),
            int(mark["size_bytes"]),
            str(mark["sha256"]),
        )


def fingerprint_bytes(of: str, content: bytes) -> list[Fingerprint]:
    """Take fingerprints of something small, such as a vector; [] where no piece of it is distinctive."""
    step = max(MARK_BYTES, len(content) // MARKS_EACH)
    starts = range(0, len(content), step)
    return _distinct_marks(of, (content[start : start + step] for start in starts))


def fingerprint_file(of: str, file: BinaryIO, size_bytes: int) -> list[Fingerprint]:
    """Take fingerprints of a seekable file, spread over it; [] where no piece of it is distinctive."""
    begins = HEADER_BYTES if size_bytes > 4 * HEADER_BYTES else 0

    def read_at(number: int) -> bytes:
        file.seek(begins + (size_bytes - begins) * number // MARKS_EACH)
        return file.read(_LOOK_AT_BYTES)

    return _distinct_marks(of, map(read_at, range(MARKS_EACH)))


def fingerprint_text(text: str) -> Fingerprint:
    """Take the fingerprint of a short text as a whole, such as an id; 8 to MARK_BYTES bytes."""
    content = text.encode()
    return Fingerprint(
        text, content[:STARTS_BYTES], len(content), hashlib.sha256(content).hexdigest()
    )


def _distinct_marks(of: str, contents: Iterable[bytes]) -> list[Fingerprint]:
    marks: dict[bytes, Fingerprint] = {}
    for content in contents:
        mark = _mark_in(of, content)
        if mark is not None:
            marks.setdefault(mark.starts, mark)
    return list(marks.values())


def _mark_in(of: str, content: bytes) -> Fingerprint | None:
    """Take the first piece that is distinctive enough not to be found anywhere by chance."""
    for start in range(0, len(content) - MARK_BYTES + 1, MARK_BYTES):
        piece = content[start : start + MARK_BYTES]
        is_distinctive = len(set(piece)) >= MIN_DIFFERENT_BYTES
        if is_distinctive and len(set(piece[:STARTS_BYTES])) >= MIN_DIFFERENT_STARTS:
            hashed = hashlib.sha256(piece).hexdigest()
            return Fingerprint(of, piece[:STARTS_BYTES], MARK_BYTES, hashed)
    return None


@dataclass(frozen=True, slots=True)
class Hit:
    """A fingerprint that was found."""

    owner: str  # whose mark: an evidence id
    of: str
    path: Path
    mark: Fingerprint


@dataclass
class SearchReport:
    """What a search looked at, and what it found."""

    files: int = 0
    size_bytes: int = 0
    hits: list[Hit] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)  # files that could not be looked into, and why


class ResidueSearch:
    """Search files for the fingerprints of any number of records at once."""

    def __init__(self, marks: Iterable[tuple[str, Fingerprint]]) -> None:
        """Index the fingerprints, each given with its owner."""
        self._wanted: dict[bytes, list[tuple[str, Fingerprint]]] = defaultdict(list)
        for owner, mark in marks:
            self._wanted[mark.starts].append((owner, mark))
        self._starts = np.array(
            sorted(int.from_bytes(start, "little") for start in self._wanted), np.uint64
        )
        self._is_first_pair = np.zeros(1 << 16, bool)
        self._is_first_pair[(self._starts & np.uint64(0xFFFF)).astype(np.int64)] = True

    def search(
        self, files: Iterable[Path], look: Callable[[Path], None] = lambda _: None
    ) -> SearchReport:
        """Search whole files; those that vanish meanwhile are passed over.

        `look` is called with each file before it is read, for progress and signs of life.
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
        """Return where one of the fingerprints' first eight bytes stands."""
        if len(content) < STARTS_BYTES or not len(self._starts):
            return []
        every = np.frombuffer(content, np.uint8)
        last = len(every) - STARTS_BYTES + 1
        # a table of all first pairs of bytes drops most places before anything is compared
        pairs = every[:last].astype(np.uint16) | (every[1 : last + 1].astype(np.uint16) << 8)
        places = np.flatnonzero(self._is_first_pair[pairs])
        values = np.zeros(len(places), np.uint64)
        for number in range(STARTS_BYTES):
            values |= every[places + number].astype(np.uint64) << np.uint64(8 * number)
        hits: list[int] = places[np.isin(values, self._starts)].tolist()
        return hits


def files_below(folder: Path, skip: Callable[[Path], bool] = lambda _: False) -> Iterator[Path]:
    """Yield every plain file below a folder but those to `skip`; links are not followed."""
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
