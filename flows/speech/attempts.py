"""Remember each attempt to be heard on disk, so that no call is made twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.data_dir import DataDir
from domain.events.announcements import AnnouncementResult
from domain.events.commands import Hold
from flows.attempt_files import NoteFiles
from flows.speech.speaker import Spoken

INTERRUPTED = "forewarn ended while the speaker was being asked; it is not asked again"

# the speaker was given nothing
NOT_BEGUN = frozenset({"over the hourly cap", "quiet hours"})


class Attempt(BaseModel):
    """One call of one speaker."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    speaker_id: str
    audio_file: str
    sha256: str
    duration_s: float
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    result: AnnouncementResult = "unknown whether played"
    reason: str = INTERRUPTED
    volume: float = 1.0
    zone: str = ""  # whom it was for, as in Addressed; "" in notes of older versions
    subject: str = ""
    despite: tuple[Hold, ...] = ()

    def as_spoken(self) -> Spoken:
        """Return the same, as the announce step takes it."""
        return Spoken(
            audio_file=self.audio_file,
            sha256=self.sha256,
            duration_s=self.duration_s,
            at=self.started_at,
            result=self.result,
            reason=self.reason,
            speaker_id=self.speaker_id,
            started_at=self.started_at,
            ended_at=self.ended_at,
            volume=self.volume,
            despite=self.despite,
        )


class AttemptNotes(NoteFiles[Attempt]):
    """announcements/<camera>/<key>.json beside the sound."""

    def __init__(self, data: DataDir) -> None:
        super().__init__(data.announcements, Attempt, "call")

    def begun_since(self, since: datetime) -> list[Attempt]:
        """Return the calls of which a speaker was given the sound since then."""
        return [
            attempt
            for attempt in self._whole(self._recent(since - timedelta(seconds=60)))
            if attempt.started_at > since and attempt.result not in NOT_BEGUN
        ]

    def _recent(self, since: datetime) -> list[Path]:
        return [
            path
            for path in self._folder.glob("*/*.json")
            if (written_at := _mtime(path)) is not None and written_at >= since.timestamp()
        ]


def _mtime(path: Path) -> float | None:
    """Return None where the note has gone meanwhile: one that is missing must not hide the others."""
    try:
        return path.stat().st_mtime
    except OSError:
        return None
