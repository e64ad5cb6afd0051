"""Notes on disk about what must be done at most once, such as a call or a message.

A note is on the disk before the deed begins. A note that is still open at the next start means that
the process died in between: the deed may have been done, so it is not done again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from domain.errors import TryAgain
from domain.files import plain_name, write_atomically

NoteT = TypeVar("NoteT", bound=BaseModel)


class NoteFiles(Generic[NoteT]):
    """<folder>/<camera or recipient>/<key>.json, a note each of a `deed`, such as "call"."""

    def __init__(self, folder: Path, note_type: type[NoteT], deed: str) -> None:
        self._folder = folder
        self._note_type = note_type
        self._deed = deed

    def find(self, owner_id: str, key: str) -> NoteT | None:
        """Return the note of a deed; None if it was never begun.

        Raises:
            TryAgain: the note is there and cannot be read; better late or never than twice.
        """
        path = self._path(owner_id, key)
        try:
            return self._note_type.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise TryAgain(
                f"{owner_id}: {path}: the note of a {self._deed} cannot be read, so no {self._deed} is made: "
                f"{str(error).splitlines()[0]}; where surely none was made, delete the note"
            ) from error

    def write(self, owner_id: str, key: str, note: NoteT) -> None:
        """Keep a note, on the disk when this returns; raises TryAgain if that cannot be written."""
        path = self._path(owner_id, key)
        try:
            write_atomically(path, note.model_dump_json().encode(), one_writer=True)
        except OSError as error:
            raise TryAgain(f"{owner_id}: {path} cannot be written: {error.strerror}") from error

    def _whole(self, paths: Iterable[Path]) -> Iterator[NoteT]:
        """Yield the notes that can be read; for counting, where one more or less does no harm."""
        for path in paths:
            try:
                yield self._note_type.model_validate_json(path.read_bytes())
            except (OSError, ValidationError):
                continue

    def _path(self, owner_id: str, key: str) -> Path:
        return self._folder / plain_name(owner_id) / f"{plain_name(key)}.json"
