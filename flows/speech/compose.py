"""One announcement out of the sounds of its languages."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from pathlib import Path

from domain.site import BothLanguages
from flows.speech.cache import SpeechCache
from flows.speech.engine import SAMPLE_BYTES, SAMPLE_RATE_HZ

LANGUAGES = ("zh", "en")  # in the order spoken


class BilingualVoice:
    """Says a text in Mandarin, then in English."""

    def __init__(self, cache: SpeechCache, pause_s: float = 0.4) -> None:
        self._cache = cache
        self._pause_s = pause_s

    @property
    def engine_name(self) -> str:
        """Which engine speaks, with its version."""
        return self._cache.engine.name

    def sound(self, text: BothLanguages) -> bytes:
        """A whole WAV file of the announcement; raises what the engine raises."""
        texts = {"zh": text.zh, "en": text.en}
        parts = [self._cache.speech(texts[language], language).path for language in LANGUAGES]
        return join(parts, self._pause_s)

    def close(self) -> None:
        """End the engine's process."""
        self._cache.engine.close()


def join(parts: Sequence[Path], pause_s: float) -> bytes:
    """Put WAV files (22,050 Hz, 16 bit, mono) one after the other, with a pause between."""
    pause = bytes(SAMPLE_BYTES * round(pause_s * SAMPLE_RATE_HZ))
    sounds = []
    for part in parts:
        with wave.open(str(part), "rb") as sound:
            sounds.append(sound.readframes(sound.getnframes()))
    joined = io.BytesIO()
    with wave.open(joined, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(SAMPLE_BYTES)
        sound.setframerate(SAMPLE_RATE_HZ)
        sound.writeframes(pause.join(sounds))
    return joined.getvalue()
