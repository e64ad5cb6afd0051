"""Join the sounds of an announcement's languages to one."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog

from domain.base import BothLanguages
from domain.errors import ForewarnError, PutAside, TryAgain
from domain.events.announcements import SpokenPart
from domain.events.catalog import OffenceWarned
from domain.site.ladders import LANGUAGES, Recording
from flows.speech.voice.cache import SpeechCache
from flows.speech.voice.engine import SAMPLE_BYTES, SAMPLE_RATE_HZ, Speech, as_wav

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CallWords:
    """What a call says, and in which languages, in the order spoken."""

    text: BothLanguages
    languages: tuple[str, ...] = LANGUAGES
    recordings: tuple[Recording, ...] = ()

    @classmethod
    def of(cls, warned: OffenceWarned) -> Self:
        """Return the words of a warning."""
        return cls(warned.text, warned.languages, warned.recordings)


@dataclass(frozen=True, slots=True)
class CallSound:
    """A whole WAV file (22,050 Hz, 16 bit, mono), and what it was put together from."""

    content: bytes
    parts: tuple[SpokenPart, ...]


class CallVoice:
    """Says a call language by language: a recording if there is one, else the engine's voice."""

    def __init__(
        self, spoken: SpeechCache, recorded: SpeechCache | None = None, pause_s: float = 0.4
    ) -> None:
        self._spoken = spoken
        self._recorded = recorded
        self._pause_s = pause_s

    @property
    def engine_name(self) -> str:
        """Name the engine that speaks, with its version."""
        return self._spoken.engine.name

    def sound(self, words: CallWords) -> CallSound:
        """Make a whole call; a recording that cannot be used is left to the voice, or left out.

        Raises:
            What the engine raises; PutAside: nothing at all can be said.
        """
        spoken = [part for language in words.languages for part in self._say(words, language)]
        if not spoken:
            raise PutAside("none of the call's recordings can be played, and it has no other words")
        content = join([speech.path for _, speech in spoken], self._pause_s)
        return CallSound(content, tuple(part for part, _ in spoken))

    def close(self) -> None:
        """End the engine's process."""
        self._spoken.engine.close()

    def _say(self, words: CallWords, language: str) -> list[tuple[SpokenPart, Speech]]:
        for recording in words.recordings:
            if recording.language == language and self._recorded is not None:
                try:
                    return [self._play(recording, self._recorded)]
                except (PutAside, TryAgain) as error:
                    # a warning that lacks a dialect is better than none
                    log.error("recording not played", language=language, reason=str(error))
        if language not in LANGUAGES:
            return []
        speech = self._spoken.speech(getattr(words.text, language), language)
        part = SpokenPart(
            language=language,
            voice=self.engine_name,
            sha256=speech.sha256,
            duration_s=speech.duration_s,
        )
        return [(part, speech)]

    def _play(self, recording: Recording, recorded: SpeechCache) -> tuple[SpokenPart, Speech]:
        speech = recorded.speech(recording.file, recording.language)
        part = SpokenPart(
            language=recording.language,
            voice=recorded.engine.name,
            file=recording.file,
            sha256=recorded.engine.fingerprint(recording.file, recording.language),
            duration_s=speech.duration_s,
            says=recording.says,
        )
        return part, speech


def can_be_said(voice: CallVoice, words: CallWords) -> ForewarnError | None:
    """Make a call's sound beforehand; what is in the way, if anything."""
    try:
        voice.sound(words)
    except (TryAgain, PutAside) as error:
        return error
    return None


def join(parts: Sequence[Path], pause_s: float) -> bytes:
    """Put WAV files (22,050 Hz, 16 bit, mono) one after the other, with a pause between."""
    pause = bytes(SAMPLE_BYTES * round(pause_s * SAMPLE_RATE_HZ))
    sounds = []
    for part in parts:
        with wave.open(str(part), "rb") as sound:
            sounds.append(sound.readframes(sound.getnframes()))
    return as_wav(pause.join(sounds))
