"""A process that speaks with espeak-ng: requests as JSON lines on stdin, answers on stdout.

espeak-ng is GPL-3. This file runs as a program of its own, imports nothing of forewarn, and is the
only place that loads the library; the rest talks to it through a pipe.

    {"text": "Hello", "voice": "en", "words_per_minute": 150, "target": "/tmp/hello.wav"}
    {"ok": true, "duration_s": 0.6}

The first line out says that it is ready. It ends when stdin does.
"""

from __future__ import annotations

import array
import ctypes
import json
import os
import signal
import sys
import threading
import time
import wave
from pathlib import Path
from typing import Any

LONGEST_TEXT = 2_000  # characters: over a minute of speech
LONGEST_SPEECH_S = 300.0

# espeak-ng's speak_lib.h
SYNCHRONOUS = 2  # samples are handed back before espeak_Synth returns; no sound device is opened
DO_NOT_EXIT = 0x8000  # report a failed start instead of ending the process
UTF8 = 1
AT_CHARACTER = 1
RATE = 1
CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class Unspeakable(Exception):
    """This request cannot be answered; the next one may."""


class Espeak:
    """The library, initialised once."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        # espeak-ng keeps the data folder's path in 160 bytes and fails on longer ones, which
        # environments have; a relative path is always short
        folder = Path(espeakng_loader.get_data_path())
        os.chdir(folder.parent)
        rate_hz = self._library.espeak_Initialize(
            SYNCHRONOUS, 0, os.fsencode(folder.name), DO_NOT_EXIT
        )
        if rate_hz <= 0:
            raise OSError(f"espeak-ng does not start with its data in {folder}")
        self.rate_hz = int(rate_hz)
        self._samples = bytearray()
        # kept as an attribute: ctypes does not, and a collected callback crashes the process
        self._callback = CALLBACK(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: str, words_per_minute: int) -> bytes:
        """Return samples, signed 16 bit mono at `rate_hz`."""
        words = _speakable(text)
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            # it would go on with the voice before
            raise Unspeakable(f"espeak-ng has no voice {voice!r}")
        self._library.espeak_SetParameter(RATE, words_per_minute, 0)
        self._samples.clear()
        utf8 = words.encode()
        failed = self._library.espeak_Synth(
            utf8, len(utf8) + 1, 0, AT_CHARACTER, 0, UTF8, None, None
        )
        if failed:
            raise Unspeakable(f"espeak-ng gave error {failed}")
        if not any(array.array("h", bytes(self._samples))):
            raise Unspeakable("nothing in it can be spoken")
        return bytes(self._samples)

    def _collect(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self._samples += ctypes.string_at(samples, 2 * count)
        return int(len(self._samples) > 2 * self.rate_hz * LONGEST_SPEECH_S)  # 1 ends it


def _speakable(text: str) -> str:
    """Return the text without what is not for the ear; control characters would derail the speech."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if not words:
        raise Unspeakable("the text is empty")
    if len(words) > LONGEST_TEXT:
        raise Unspeakable(f"needs at most {LONGEST_TEXT} characters, got {len(words)}")
    return words


def write_wav(target: Path, samples: bytes, rate_hz: int) -> None:
    """Write the file; whoever asked puts it in its place once it is whole."""
    with wave.open(str(target), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate_hz)
        sound.writeframes(samples)


def answer(espeak: Espeak, line: bytes) -> dict[str, Any]:
    """Deal with one request."""
    try:
        request = json.loads(line)
        samples = espeak.speak(
            str(request["text"]), str(request["voice"]), int(request["words_per_minute"])
        )
        write_wav(Path(request["target"]), samples, espeak.rate_hz)
    except Unspeakable as error:
        return {"ok": False, "error": str(error), "retry": False}
    except OSError as error:
        return {"ok": False, "error": f"{error.strerror or error}", "retry": True}
    except (ValueError, KeyError, TypeError) as error:
        return {"ok": False, "error": f"not a request: {error!r}", "retry": False}
    return {"ok": True, "duration_s": len(samples) / 2 / espeak.rate_hz}


def _end_with(parent: int) -> None:
    """End when the parent is gone, even in the middle of a speech that does not end."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)


def main() -> None:
    """Answer until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes us
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    # whatever the library prints must not be taken for an answer
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(values: dict[str, Any]) -> None:
        answers.write(json.dumps(values) + "\n")
        answers.flush()

    try:
        espeak = Espeak()
    except (ImportError, OSError, RuntimeError) as error:
        say({"ready": False, "error": str(error)})
        return
    say({"ready": True, "rate_hz": espeak.rate_hz})
    for line in sys.stdin.buffer:
        say(answer(espeak, line))


if __name__ == "__main__":
    main()
