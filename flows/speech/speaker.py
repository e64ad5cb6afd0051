"""Interface of a speaker, what is kept of an announcement, and the speaker that writes files."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from domain.data_dir import SOUNDS, DataDir
from domain.errors import DISK_TROUBLE, PutAside, TryAgain
from domain.events.announcements import AnnouncementResult
from domain.events.commands import Hold
from domain.files import link_atomically, plain_name, write_atomically
from flows.speech.voice.engine import read_speech


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
        """Return what was, or may have been, played under that key before; None if nothing was."""

    def speak(self, camera_id: str, key: str, sound: bytes, to: Addressed = NOBODY) -> Spoken:
        """Play a WAV file's content near that camera and remember it under the key.

        Raises:
            NoSpeaker: it was not reached. TryAgain: the disk is full. After either, nothing can
                have been heard.
        """


class FileSpeaker:
    """Makes announcements/<camera>/<key>.wav; that being there means that it was spoken.

    The same sound lies on the disk once, under its hash; each call is a link to it, with a time of its own.
    """

    def __init__(self, data: DataDir) -> None:
        self._data = data

    def find_spoken(self, camera_id: str, key: str) -> Spoken | None:
        path = self._path(camera_id, key)
        try:
            speech = read_speech(path)
            at = datetime.fromtimestamp(path.lstat().st_mtime, UTC)
        except (FileNotFoundError, PutAside):  # a damaged file is written again
            return None
        except OSError as error:
            raise TryAgain(f"{camera_id}: {path} cannot be read: {error.strerror}") from error
        name = path.relative_to(self._data.root).as_posix()
        return Spoken(name, speech.sha256, speech.duration_s, at)

    def speak(self, camera_id: str, key: str, sound: bytes, to: Addressed = NOBODY) -> Spoken:
        path = self._path(camera_id, key)
        try:
            self._write(path, sound)
        except OSError as error:
            raise TryAgain(f"{camera_id}: {path} cannot be written: {error.strerror}") from error
        spoken = self.find_spoken(camera_id, key)
        if spoken is None:
            raise PutAside(f"{camera_id}: {path} is no sound file")
        return spoken

    def _write(self, path: Path, sound: bytes) -> None:
        kept = self._data.announcements / SOUNDS / hashlib.sha256(sound).hexdigest()
        if not (kept.is_file() and kept.read_bytes() == sound):
            write_atomically(kept, sound, one_writer=True)
        os.utime(kept)  # the retention round leaves alone what was used lately
        try:
            link_atomically(path, kept)
        except OSError as error:
            if error.errno in DISK_TROUBLE:
                raise
            write_atomically(path, sound, one_writer=True)  # the disk knows no links

    def _path(self, camera_id: str, key: str) -> Path:
        return self._data.announcements / plain_name(camera_id) / f"{plain_name(key)}.wav"
