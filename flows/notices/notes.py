"""What is remembered of each message on disk, so that none goes out twice.

A note is on the disk before the service gets a byte. A note that is still open at the next start
means that the process died in between: the message may have gone out, so it is not sent again.
"""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from domain.data_dir import DataDir
from domain.errors import TryAgain
from domain.requests import NotificationResult
from flows.speech.speaker import plain_name, write_durably

KEEP_S = 7 * 86400.0  # the log tells of older ones

NoteResult = NotificationResult | Literal["being sent", "not reached"]


class Note(BaseModel):
    """One message to one recipient, as far as it has come."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    service: str
    result: NoteResult
    reason: str = ""
    text: str = ""
    picture_sha256: str | None = None
    picture_note: str = ""
    attempts: int = 0
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None

    @property
    def is_over(self) -> bool:
        """True where nothing more will be done."""
        return self.result not in ("being sent", "not reached")


class Notes:
    """notifications/<recipient>/<request>.json"""

    def __init__(self, data: DataDir) -> None:
        self._folder = data.notifications

    def find(self, recipient_id: str, request_id: str) -> Note | None:
        """The note of a message; None if it was never begun.

        Raises:
            TryAgain: the note is there and cannot be read; better late than twice.
        """
        path = self._path(recipient_id, request_id)
        try:
            return Note.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise TryAgain(
                f"{path}: the note of a message cannot be read, so the message is not sent: "
                f"{str(error).splitlines()[0]}"
            ) from error

    def write(self, recipient_id: str, request_id: str, note: Note) -> None:
        """Keep a note; on the disk when this returns.

        Raises:
            TryAgain: the disk is full or the folder cannot be written.
        """
        path = self._path(recipient_id, request_id)
        try:
            write_durably(path, note.model_dump_json().encode())
        except OSError as error:
            raise TryAgain(f"{path} cannot be written: {error.strerror}") from error

    def count_since(self, recipient_id: str, since: datetime) -> int:
        """Messages that went out, or may have, to a recipient since then."""
        went_out = ("sent", "being sent", "unknown whether sent")
        return sum(
            note.result in went_out and note.started_at is not None and note.started_at > since
            for path in self._paths(recipient_id)
            if (note := _read_if_whole(path)) is not None
        )

    def tidy(self) -> None:
        """Remove notes that the log has outlived."""
        oldest = time.time() - KEEP_S
        for path in self._folder.glob("*/*.json"):
            try:
                if path.stat().st_mtime < oldest:
                    path.unlink()
            except OSError:  # gone, or not ours: it is only tidying
                continue

    def _paths(self, recipient_id: str) -> list[Path]:
        return list((self._folder / plain_name(recipient_id)).glob("*.json"))

    def _path(self, recipient_id: str, request_id: str) -> Path:
        return self._folder / plain_name(recipient_id) / f"{plain_name(request_id)}.json"


def _read_if_whole(path: Path) -> Note | None:
    try:
        return Note.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
