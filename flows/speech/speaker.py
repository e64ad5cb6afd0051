"""Where an announcement goes, and what is kept of it; the speaker that is a folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from domain.announcements import AnnouncementResult
from domain.commands import Hold
from domain.data_dir import DataDir
from domain.errors import PutAside, TryAgain
from flows.kept_files import plain_name, write_durably
from flows.speech.engine import read_speech


class NoSpeaker(TryAgain):
    """Nothing can have been heard: the speaker was not reached."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """An announcement that a speaker has dealt with: it is never said again, whatever the result."""

    audio_file: str  # relative to the data folder
    sha256: str
    duration_s: float
    at: datetime  # UTC, wall clock
    result: AnnouncementResult = "written"
    reason: str = ""  # for people; "" if all went well
    speaker_id: str = ""  # "" for the data folder
    started_at: datetime | None = None  # UTC, wall clock: when it was given the sound
    ended_at: datetime | None = None
    volume: float = 1.0  # share of full loudness
    despite: tuple[Hold, ...] = ()  # what was passed over, at a person's word


@dataclass(frozen=True, slots=True)
class Addressed:
    """Whom a call is for, and what a person took on themselves to have it played despite."""

    zone: str = ""  # "<camera>/<zone or line>"; "": not known, no cap of a zone counts it
    subject: str = ""
    despite: tuple[Hold, ...] = ()


NOBODY = Addressed()


class Speaker(Protocol):
    """Plays each announcement once."""

    def find_spoken(self, camera_id: str, key: str) -> Spoken | None:
        """What was, or may have been, played under that key before; None if nothing was."""

    def speak(self, camera_id: str, key: str, sound: bytes, to: Addressed = NOBODY) -> Spoken:
        """Play a WAV file's content near that camera and remember it under the key.

        Raises:
            NoSpeaker: it was not reached. TryAgain: the disk is full. After either, nothing can
                have been heard.
        """


class FileSpeaker:
    """Writes announcements/<camera>/<key>.wav; the file being there means that it was spoken."""

    def __init__(self, data: DataDir) -> None:
        self._data = data

    def find_spoken(self, camera_id: str, key: str) -> Spoken | None:
        path = self._path(camera_id, key)
        try:
            speech = read_speech(path)
            at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except (FileNotFoundError, PutAside):  # a damaged file is written again
            return None
        except OSError as error:
            raise TryAgain(f"{camera_id}: {path} cannot be read: {error.strerror}") from error
        name = path.relative_to(self._data.root).as_posix()
        return Spoken(name, speech.sha256, speech.duration_s, at)

    def speak(self, camera_id: str, key: str, sound: bytes, to: Addressed = NOBODY) -> Spoken:
        path = self._path(camera_id, key)
        try:
            write_durably(path, sound)
        except OSError as error:
            raise TryAgain(f"{camera_id}: {path} cannot be written: {error.strerror}") from error
        spoken = self.find_spoken(camera_id, key)
        if spoken is None:
            raise PutAside(f"{camera_id}: {path} is no sound file")
        return spoken

    def _path(self, camera_id: str, key: str) -> Path:
        return self._data.announcements / plain_name(camera_id) / f"{plain_name(key)}.wav"
