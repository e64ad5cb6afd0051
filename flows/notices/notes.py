"""Remember each message on disk, so that none goes out twice."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.data_dir import DataDir
from domain.events.requests import NotificationResult
from domain.files import plain_name
from flows.attempt_files import NoteFiles

KEEP_S = 7 * 86400.0  # the log tells of older ones

WENT_OUT = ("sent", "being sent", "unknown whether sent")
NoteResult = NotificationResult | Literal["being sent", "not reached"]


class MessageNote(BaseModel):
    """One message to one recipient, as far as it has come."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    service: str
    result: NoteResult
    reason: str = ""
    text: str = ""
    picture_sha256: str | None = None
    picture_note: str = ""
    is_of_alarm: bool = False
    attempts: int = 0
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more will be done."""
        return self.result not in ("being sent", "not reached")


def result_of(note: MessageNote) -> NotificationResult:
    """Return what came of a message; ValueError: it is not over."""
    if note.result == "being sent" or note.result == "not reached":
        raise ValueError(f"needs a note that is over, got {note.result!r}")
    return note.result


class MessageNotes(NoteFiles[MessageNote]):
    """notifications/<recipient>/<request>.json, written by one program."""

    def __init__(self, data: DataDir) -> None:
        super().__init__(data.notifications, MessageNote, "message")
        # recipient -> request or alarm's event -> when its message went out, or may have, and whether it was
        # of an alarm; read from the disk once
        self._went_out: dict[str, dict[str, tuple[datetime, bool]]] = {}

    def write(self, owner_id: str, key: str, note: MessageNote) -> None:
        """Keep a note, on the disk when this returns; raises TryAgain if that cannot be written."""
        super().write(owner_id, key, note)
        if owner_id in self._went_out:
            _take_in(self._went_out[owner_id], key, note)

    def count_between(
        self, recipient_id: str, since: datetime, until: datetime, *, is_of_alarm: bool = False
    ) -> int:
        """Count the messages that went out, or may have, to a recipient in that time: of alarms, or of all else.

        One that is dated ahead is of before the clock was set back; it must not silence anybody for longer.
        """
        if recipient_id not in self._went_out:
            known: dict[str, tuple[datetime, bool]] = {}
            for path in (self._folder / plain_name(recipient_id)).glob("*.json"):
                for note in self._whole([path]):
                    _take_in(known, path.stem, note)
            self._went_out[recipient_id] = known
        # what is older is not asked for again
        known = self._went_out[recipient_id]
        lately = {key: (at, of_alarm) for key, (at, of_alarm) in known.items() if at > since}
        self._went_out[recipient_id] = lately
        return sum(at <= until and of_alarm == is_of_alarm for at, of_alarm in lately.values())

    def tidy(self) -> None:
        """Remove notes that the log has outlived."""
        oldest = time.time() - KEEP_S
        for path in self._folder.glob("*/*.json"):
            try:
                if path.stat().st_mtime < oldest:
                    path.unlink()
            except OSError:  # gone, or not ours: it is only tidying
                continue


def _take_in(went_out: dict[str, tuple[datetime, bool]], key: str, note: MessageNote) -> None:
    if note.started_at is not None and note.result in WENT_OUT:
        went_out[plain_name(key)] = note.started_at, note.is_of_alarm
    else:
        went_out.pop(plain_name(key), None)
