"""Keep sounds that were made once, so that a warning is ready when it is due."""

from __future__ import annotations

import hashlib
import os
import time
import unicodedata
from pathlib import Path

from domain.errors import PutAside, TryAgain
from flows.speech.voice.engine import Speech, SpeechEngine, read_speech

LOOK_EVERY = 100  # sounds made


class SpeechCache:
    """One file for each text, named by the hash of everything that shapes its sound.

    `keep` files stay; texts that tell the time or the stay are many, and used once.
    """

    def __init__(self, folder: Path, engine: SpeechEngine, keep: int = 2_000) -> None:
        self._folder = folder
        self._keep = keep
        self._made = 0
        self.engine = engine

    def speech(self, text: str, language: str) -> Speech:
        """Return the sound of a text, made if need be; raises TryAgain and as the engine."""
        path = self.path(text, language)
        try:
            speech = read_speech(path)
            # the longest unused go first, whether or not the disk keeps count of reading
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
            return speech
        except (FileNotFoundError, PutAside):
            pass  # not there, or damaged: made again
        except OSError as error:
            raise TryAgain(f"speech cache {path}: cannot be read: {error.strerror}") from error
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._forget_the_oldest()
            return self.engine.synthesise(text, language, path)
        except OSError as error:
            raise TryAgain(f"speech cache {path}: cannot be written: {error.strerror}") from error

    def path(self, text: str, language: str) -> Path:
        """Return where the sound of a text lies, or will."""
        same = unicodedata.normalize("NFC", text)
        parts = (self.engine.name, self.engine.fingerprint(same, language), language, same)
        digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / f"{digest}.wav"

    def _forget_the_oldest(self) -> None:
        """Remove the longest unused now and then, so that the folder does not grow for ever."""
        self._made += 1
        if self._made % LOOK_EVERY != 1:
            return
        files = sorted(self._folder.glob("*.wav"), key=lambda file: file.stat().st_atime_ns)
        for file in files[: max(0, len(files) - self._keep)]:
            file.unlink(missing_ok=True)
