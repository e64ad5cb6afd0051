"""Read a people file; one that was changed a moment ago counts as changed."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from domain.access.people import DOCS, People
from domain.checked_yaml import YamlFileError as PeopleFileError
from domain.checked_yaml import read_checked
from domain.files import sha256_of

__all__ = ["PeopleFile", "PeopleFileError", "load_people"]


def load_people(path: Path) -> People:
    """Read and check a people file; PeopleFileError has each fault with its file and line."""
    return read_checked(path, People, "people", DOCS, DOCS)


@dataclass(frozen=True, slots=True)
class _Read:
    seen: tuple[int, ...]
    people: People
    sha256: str


class PeopleFile:
    """A data folder's people file, asked as often as anybody asks for anything.

    Whoever decides has to call `people` anew for each decision: a removed person is then out at once.
    Unchanged files are not read again, so a call costs one look at the folder.
    """

    def __init__(self, path: Path) -> None:
        """Read nothing yet; `path` is where the file is, or would be: `DataDir.people`."""
        self.path = path
        self._lock = threading.Lock()
        self._read: _Read | None = None

    def people(self) -> People | None:
        """Return who is listed now; None: no file; PeopleFileError: nobody may do anything."""
        current = self._now()
        return current.people if current else None

    def sha256(self) -> str:
        """Compute the file's SHA-256 in hex; "" where there is none. Raises what `people` does."""
        current = self._now()
        return current.sha256 if current else ""

    def _now(self) -> _Read | None:
        with self._lock:
            try:
                seen = _signature(self.path)
            except FileNotFoundError:
                return None
            except OSError as error:
                message = f"{self.path}: cannot be read: {error.strerror}"
                message += "; nobody may do anything here"
                raise PeopleFileError(self.path, [message]) from error
            if self._read is None or self._read.seen != seen:
                self._read = None
                people = load_people(self.path)
                self._read = _Read(seen, people, _sha256(self.path))
            return self._read


def _signature(path: Path) -> tuple[int, ...]:
    """Return numbers that differ as soon as a file was written or replaced."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _sha256(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise PeopleFileError(path, [message]) from error
