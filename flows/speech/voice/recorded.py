"""Play recorded calls: the engine for dialects that no voice speaks well."""

from __future__ import annotations

import hashlib
import io
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler

from domain.errors import PutAside, TryAgain
from domain.files import write_atomically
from evidence_store.media.faults import MediaFault, media_faults
from evidence_store.media.input_options import input_options
from flows.speech.voice.engine import SAMPLE_RATE_HZ, Speech, as_wav, read_speech

LONGEST_S = 60.0  # nobody listens longer to a loudspeaker
SOFTEST_PEAK = 0.01  # of full scale; what stays below is silence or a broken microphone


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """What a recording holds."""

    duration_s: float
    peak: float  # of full scale, in [0, 1]


class RecordedEngine:
    """A SpeechEngine whose texts are names of sound files, relative to the site file.

    Files are read when first used and their hash is remembered: another file of the same name is
    taken up at the next start.
    """

    name = "recording"

    def __init__(self, base: Path, copies: Mapping[str, Path] | None = None) -> None:
        """Begin.

        Args:
            base: folder of the site file.
            copies: what was frozen with the site file, by name; it is read in place of the originals.
        """
        self._base = base
        self._copies = copies or {}
        self._hashes: dict[str, str] = {}

    def _path(self, text: str) -> Path:
        return self._copies.get(text, self._base / text)

    def fingerprint(self, text: str, language: str) -> str:
        """Return the SHA-256 of the file."""
        if text not in self._hashes:
            self._hashes[text] = hashlib.sha256(_read(self._path(text))).hexdigest()
        return self._hashes[text]

    def synthesise(self, text: str, language: str, target: Path) -> Speech:
        """Write the recording as a WAV file of 22,050 Hz, 16 bit, mono."""
        samples = decode(self._path(text))
        _check(self._base / text, _facts(samples))
        # speakers that wait for the same recording may write it at once
        write_atomically(target, as_wav(samples.astype("<i2").tobytes()))
        return read_speech(target)

    def close(self) -> None:
        """Do nothing: nothing was started."""


def examine(path: Path) -> RecordingFacts:
    """Read a recording through; raises PutAside, saying why, if it cannot be played to people."""
    facts = _facts(decode(path))
    _check(path, facts)
    return facts


def decode(path: Path) -> np.ndarray:
    """Decode a sound file to (n,) int16, 22,050 Hz, mono; at most a moment over LONGEST_S.

    Raises:
        PutAside: it cannot be read or decoded.
    """
    _read(path)
    most = round((LONGEST_S + 1) * SAMPLE_RATE_HZ)
    resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
    pieces: list[np.ndarray] = []
    try:
        with media_faults(), av.open(str(path), options=input_options()) as container:
            if not container.streams.audio:
                raise PutAside(
                    f"{path}: needs a sound file (wav, flac, ogg, mp3), has no sound in it"
                )
            for frame in container.decode(container.streams.audio[0]):
                pieces += [
                    resampled.to_ndarray().ravel() for resampled in resampler.resample(frame)
                ]
                if sum(map(len, pieces)) > most:
                    break
            pieces += [resampled.to_ndarray().ravel() for resampled in resampler.resample(None)]
    except MediaFault as error:
        raise PutAside(
            f"{path}: needs a sound file (wav, flac, ogg, mp3), cannot be decoded: {error}"
        ) from error
    return np.concatenate(pieces)[:most] if pieces else np.zeros(0, np.int16)


def softened(sound: bytes, volume: float) -> bytes:
    """Return a WAV file (16 bit) at a share of its loudness, in (0, 1]."""
    if volume == 1.0:
        return sound
    with wave.open(io.BytesIO(sound), "rb") as file:
        samples = np.frombuffer(file.readframes(-1), "<i2")
    return as_wav(np.round(samples * volume).astype("<i2").tobytes())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise PutAside(
            f"{path}: there is no such sound file; paths begin at the site file"
        ) from error
    except OSError as error:
        raise TryAgain(f"{path}: cannot be read: {error.strerror}") from error


def _facts(samples: np.ndarray) -> RecordingFacts:
    peak = float(np.abs(samples.astype(np.int32)).max()) / 32_768 if len(samples) else 0.0
    return RecordingFacts(len(samples) / SAMPLE_RATE_HZ, peak)


def _check(path: Path, facts: RecordingFacts) -> None:
    if facts.duration_s > LONGEST_S:
        raise PutAside(f"{path}: needs at most {LONGEST_S:g} s of sound, has more")
    if facts.peak < SOFTEST_PEAK:
        raise PutAside(
            f"{path}: needs a voice that can be heard, is silent (its loudest moment has "
            f"{100 * facts.peak:.2f} % of full scale)"
        )
