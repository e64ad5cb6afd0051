"""Sounds that were made once, so that a warning is ready when it is due."""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import Path

from domain.errors import PutAside, TryAgain
from flows.speech.engine import Speech, SpeechEngine, read_speech


class SpeechCache:
    """One file for each text, named by the hash of everything that shapes its sound."""

    def __init__(self, folder: Path, engine: SpeechEngine) -> None:
        self._folder = folder
        self.engine = engine

    def speech(self, text: str, language: str) -> Speech:
        """The sound of a text, made now if it is not there; raises what the engine raises.

        Raises:
            TryAgain: also where the folder cannot be written.
        """
        path = self.path(text, language)
        try:
            return read_speech(path)
        except (FileNotFoundError, PutAside):
            pass  # not there, or damaged: made again
        except OSError as error:
            raise TryAgain(f"speech cache {path}: cannot be read: {error.strerror}") from error
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return self.engine.synthesise(text, language, path)
        except OSError as error:
            raise TryAgain(f"speech cache {path}: cannot be written: {error.strerror}") from error

    def path(self, text: str, language: str) -> Path:
        """Where the sound of a text lies, or will."""
        same = unicodedata.normalize("NFC", text)
        parts = (self.engine.name, self.engine.voice(language), language, same)
        digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / f"{digest}.wav"
