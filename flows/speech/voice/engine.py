"""Interface of a voice, so that another one can be plugged in."""

from __future__ import annotations

import hashlib
import io
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from domain.errors import PutAside

# every engine delivers this, so that sounds can be joined
SAMPLE_RATE_HZ = 22_050
SAMPLE_BYTES = 2  # signed 16 bit, mono


@dataclass(frozen=True, slots=True)
class Speech:
    """A sound file that is whole."""

    path: Path
    duration_s: float
    sha256: str


class SpeechEngine(Protocol):
    """Makes sound files out of texts."""

    @property
    def name(self) -> str:
        """Name the engine, with its version."""

    def fingerprint(self, text: str, language: str) -> str:
        """Return what shapes the sound beside the text: voice, speed, a file's hash. Sounds differ if it does.

        Raises:
            Stop: the engine has no voice for the language.
            PutAside: there is nothing to make a sound of.
        """

    def synthesise(self, text: str, language: str, target: Path) -> Speech:
        """Write `target` (WAV, 22,050 Hz, 16 bit, mono); it is whole or not there at all.

        Raises:
            TryAgain: the engine was busy, hung or died; the next call finds a fresh one.
            PutAside: this text cannot be spoken.
            Stop: the engine is not installed, or has no voice for the language.
        """

    def close(self) -> None:
        """End what the engine started; the next call would start it again."""


def as_wav(frames: bytes) -> bytes:
    """Make a WAV file of frames: 22,050 Hz, signed 16 bit, little-endian, mono."""
    content = io.BytesIO()
    with wave.open(content, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(SAMPLE_BYTES)
        sound.setframerate(SAMPLE_RATE_HZ)
        sound.writeframes(frames)
    return content.getvalue()


def read_speech(path: Path) -> Speech:
    """Describe a sound file.

    Raises:
        FileNotFoundError: there is none.
        PutAside: it is no WAV of 22,050 Hz, 16 bit, mono, or has no sound in it.
    """
    content = path.read_bytes()
    try:
        with wave.open(str(path), "rb") as sound:
            shape = (sound.getframerate(), sound.getsampwidth(), sound.getnchannels())
            frames = sound.getnframes()
            read = len(sound.readframes(frames)) // SAMPLE_BYTES
    except (wave.Error, EOFError) as error:
        raise PutAside(f"{path}: not a WAV file: {error}") from error
    if shape != (SAMPLE_RATE_HZ, SAMPLE_BYTES, 1):
        raise PutAside(f"{path}: should be 22050 Hz, 2 bytes, 1 channel, got {shape}")
    if frames == 0 or read != frames:
        raise PutAside(f"{path}: should hold {frames} samples, holds {read}")
    return Speech(path, frames / SAMPLE_RATE_HZ, hashlib.sha256(content).hexdigest())
