"""Read a people file; one that was changed a moment ago counts as changed."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path

from domain.checked_yaml import YamlFileError as PeopleFileError
from domain.checked_yaml import read_checked
from domain.people import DOCS, People

__all__ = ["PeopleFile", "PeopleFileError", "load_people"]


def load_people(path: Path) -> People:
    """Read and check a people file.

    Raises:
        PeopleFileError: it is missing, not YAML, or says something that does not hold; each fault with
            its file and line.
    """
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
        """Args:
        path: where it is, or would be: `DataDir.people`.
        """
        self.path = path
        self._lock = threading.Lock()
        self._read: _Read | None = None

    def people(self) -> People | None:
        """Everybody who is listed now; None: the site has no people file.

        Raises:
            PeopleFileError: there is one that cannot be used; then nobody may do anything.
        """
        found = self._now()
        return found.people if found else None

    def sha256(self) -> str:
        """SHA-256 of the file as it is now, in hex; "" where there is none. Raises what `people` does."""
        found = self._now()
        return found.sha256 if found else ""

    def _now(self) -> _Read | None:
        with self._lock:
            try:
                seen = _signature(self.path)
            except FileNotFoundError:
                return None
            except OSError as error:
                said = f"{self.path}: cannot be read: {error.strerror}; nobody may do anything here"
                raise PeopleFileError(self.path, [said]) from error
            if self._read is None or self._read.seen != seen:
                self._read = None
                people = load_people(self.path)
                self._read = _Read(seen, people, _sha256(self.path))
            return self._read


def _signature(path: Path) -> tuple[int, ...]:
    """What differs as soon as a file was written or replaced."""
    told = path.stat()
    return told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        said = f"{path}: cannot be read: {error.strerror}"
        raise PeopleFileError(path, [said]) from error
