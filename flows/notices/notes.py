"""What is remembered of each message on disk, so that none goes out twice."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.data_dir import DataDir
from domain.requests import NotificationResult
from flows.kept_files import plain_name
from flows.note_files import NoteFiles

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


class Notes(NoteFiles[Note]):
    """notifications/<recipient>/<request>.json"""

    def __init__(self, data: DataDir) -> None:
        super().__init__(data.notifications, Note, "message")

    def count_since(self, recipient_id: str, since: datetime) -> int:
        """Messages that went out, or may have, to a recipient since then."""
        went_out = ("sent", "being sent", "unknown whether sent")
        paths = (self._folder / plain_name(recipient_id)).glob("*.json")
        return sum(
            note.result in went_out and note.started_at is not None and note.started_at > since
            for note in self._whole(paths)
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
