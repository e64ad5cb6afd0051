"""Speech engine espeak-ng: small, many languages, no network; a plain voice."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from domain.errors import PutAside, Stop, TryAgain
from domain.files import put_in_place
from flows.speech.voice.engine import Speech, read_speech
from flows.speech.voice.worker import JsonLinesWorker

# "en" is British English in espeak-ng; asked for "en-gb" by name it would go on in the voice before
VOICES = {"zh": "cmn", "en": "en"}
WORKER = Path(__file__).with_name("espeak_worker.py")


class EspeakEngine:
    """Speaks through a process of its own, because espeak-ng is GPL-3 and may also crash or hang.

    `words_per_minute` is in [80, 450]; 150 is calm, for a loudspeaker outdoors. A text takes
    milliseconds; a process that needs longer than `answer_within_s` is replaced.
    """

    def __init__(
        self,
        words_per_minute: int = 150,
        answer_within_s: float = 3.0,
        start_within_s: float = 10.0,
    ) -> None:
        try:
            self._version = version("espeakng-loader")
        except PackageNotFoundError as error:
            raise Stop(
                "speech needs the package espeakng-loader; install forewarn again"
            ) from error
        self._words_per_minute = words_per_minute
        self._answer_within_s = answer_within_s
        # the file, not `-m`: it starts wherever the program was started, and loads nothing of ours
        self.worker = JsonLinesWorker("espeak-ng", [sys.executable, str(WORKER)], start_within_s)

    @property
    def name(self) -> str:
        return f"espeak-ng (espeakng-loader {self._version})"

    def fingerprint(self, text: str, language: str) -> str:
        """Return voice and speed."""
        try:
            return f"{VOICES[language]} at {self._words_per_minute} words a minute"
        except KeyError:
            raise Stop(
                f"espeak-ng: needs a voice for language {language!r}; has {', '.join(VOICES)}"
            ) from None

    def synthesise(self, text: str, language: str, target: Path) -> Speech:
        self.fingerprint(text, language)
        part = target.resolve().with_name(f".{target.name}.{os.getpid()}.part")
        request = {
            "text": text,
            "voice": VOICES[language],
            "words_per_minute": self._words_per_minute,
            "target": str(part),
        }
        try:
            answer = self.worker.ask(request, self._answer_within_s)
            if answer.get("retry"):
                raise TryAgain(f"espeak-ng: {target} cannot be written: {answer.get('error')}")
            if not answer.get("ok"):
                shown = text if len(text) <= 40 else text[:39] + "…"
                raise PutAside(f"espeak-ng: cannot speak {shown!r}: {answer.get('error')}")
            put_in_place(part, target)
        except OSError as error:
            words = f"espeak-ng: {target} cannot be written: {error.strerror}"
            raise TryAgain(words) from error
        finally:
            part.unlink(missing_ok=True)
        return read_speech(target)

    def close(self) -> None:
        self.worker.close()
