"""What is remembered of each attempt to be heard, so that no call is made twice.

A note is on the disk before the speaker gets the sound. A note without an end means that the process
died in between: the call may have been heard, so it is not made again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from domain.announcements import AnnouncementResult
from domain.commands import Hold
from domain.data_dir import DataDir
from domain.errors import TryAgain
from flows.speech.speaker import Spoken, plain_name, write_durably

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
        """The same, as the announce step takes it."""
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


class AttemptNotes:
    """announcements/<camera>/<key>.json beside the sound."""

    def __init__(self, data: DataDir) -> None:
        self._folder = data.announcements

    def find(self, camera_id: str, key: str) -> Attempt | None:
        """The note of a call; None if it was never begun.

        Raises:
            TryAgain: the note is there and cannot be read; better silent than twice.
        """
        path = self._path(camera_id, key)
        try:
            return Attempt.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise TryAgain(
                f"{camera_id}: {path}: the note of a call cannot be read, so the call is not made: "
                f"{str(error).splitlines()[0]}"
            ) from error

    def write(self, camera_id: str, key: str, attempt: Attempt) -> None:
        """Keep a note; on the disk when this returns.

        Raises:
            TryAgain: the disk is full or the folder cannot be written.
        """
        path = self._path(camera_id, key)
        try:
            write_durably(path, attempt.model_dump_json().encode())
        except OSError as error:
            raise TryAgain(f"{camera_id}: {path} cannot be written: {error.strerror}") from error

    def begun_since(self, since: datetime) -> list[Attempt]:
        """Calls of which a speaker was given the sound since then."""
        found = [_read_if_whole(path) for path in self._recent(since - timedelta(seconds=60))]
        return [
            attempt
            for attempt in found
            if attempt is not None
            and attempt.started_at > since
            and attempt.result not in NOT_BEGUN
        ]

    def _recent(self, since: datetime) -> list[Path]:
        return [
            path
            for path in self._folder.glob("*/*.json")
            if (written_at := _mtime(path)) is not None and written_at >= since.timestamp()
        ]

    def _path(self, camera_id: str, key: str) -> Path:
        return self._folder / plain_name(camera_id) / f"{plain_name(key)}.json"


def _mtime(path: Path) -> float | None:
    """None where the note has gone meanwhile: one that is missing must not hide the others."""
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _read_if_whole(path: Path) -> Attempt | None:
    try:
        return Attempt.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
