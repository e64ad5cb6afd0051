"""Play on a network loudspeaker that takes audio by HTTP POST."""

from __future__ import annotations

import http.client
import io
import wave
from collections.abc import Callable
from contextlib import closing
from urllib.parse import urlsplit

import numpy as np

from domain.errors import PutAside
from domain.site.speech.speakers import SpeakerSettings
from flows.speech.devices.g711 import samples_at_8_khz, to_mulaw
from flows.speech.devices.http_auth import authorise
from flows.speech.devices.player import Played
from flows.speech.speaker import NoSpeaker
from flows.speech.voice.engine import SAMPLE_RATE_HZ

CONTENT_TYPES = {
    "wav": "audio/wav",
    "mulaw": "audio/basic",
    "pcm": f"audio/L16;rate={SAMPLE_RATE_HZ};channels=1",
}
BUSY = frozenset({409, 423, 429, 503})  # conflict, locked, too many requests, not now


class HttpPlayer:
    """POSTs each sound once; a password is asked for with an empty request beforehand."""

    def __init__(self, settings: SpeakerSettings, password: str | None) -> None:
        self._settings = settings
        self._password = password
        parts = urlsplit(settings.url or "")
        self._is_secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def play(self, sound: bytes, duration_s: float, before: Callable[[], None]) -> Played:
        body = encode(sound, self._settings.audio)
        headers = {"Content-Type": CONTENT_TYPES[self._settings.audio]}
        if self._settings.user is not None:
            with closing(self._connect()) as connection:
                answer = self._ask_for_challenge(connection)
            if isinstance(answer, Played):
                return answer
            headers |= answer
        # a connection of its own: one that the speaker closed after its question would break in
        # the middle of the sound, and then nobody could say whether it was heard
        with closing(self._connect()) as connection:
            before()
            return self._post(connection, body, headers, duration_s)

    def _connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._is_secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=self._settings.timeout_s)
        try:
            connection.connect()
        except OSError as error:
            raise NoSpeaker(f"{self._name}: no connection: {error}; is it on?") from error
        return connection

    @property
    def _name(self) -> str:
        return f"{self._settings.id} ({self._settings.url})"

    def _ask_for_challenge(self, connection: http.client.HTTPConnection) -> dict[str, str] | Played:
        """Return headers that answer the speaker's question; the sound is not sent to be turned away."""
        try:
            connection.request("POST", self._target, body=b"")
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise NoSpeaker(f"{self._name}: no answer to an empty request: {error}") from error
        if answer.status != http.client.UNAUTHORIZED:
            return self._explain(answer) if answer.status in BUSY else {}
        challenges = answer.headers.get_all("WWW-Authenticate") or []
        user, password = self._settings.user or "", self._password or ""
        try:
            header = authorise(challenges, "POST", self._target, user, password)
        except PutAside as error:
            return Played("refused", f"{self._name}: {error}")
        return {"Authorization": header}

    def _post(
        self,
        connection: http.client.HTTPConnection,
        body: bytes,
        headers: dict[str, str],
        duration_s: float,
    ) -> Played:
        """Send the sound; from here on something may be heard: whatever happens, there is no second try."""
        wait_s = self._settings.timeout_s + duration_s  # many answer when they have played it
        try:
            connection.sock.settimeout(wait_s)
            connection.request("POST", self._target, body=body, headers=headers)
            answer = connection.getresponse()
            answer.read(4096)
        except TimeoutError:
            return Played("timed out", f"{self._name}: no answer within {wait_s:.1f} s")
        except (OSError, http.client.HTTPException) as error:
            words = f"{self._name}: the connection broke: {error or type(error).__name__}"
            return Played("unknown whether played", words)
        return self._explain(answer)

    def _explain(self, answer: http.client.HTTPResponse) -> Played:
        if 200 <= answer.status < 300:
            return Played("played")
        words = f"{self._name}: answered {answer.status} {answer.reason}"
        if answer.status == http.client.UNAUTHORIZED:
            words += f"; are user and {self._settings.password_env} right?"
        return Played("busy" if answer.status in BUSY else "refused", words)


def encode(sound: bytes, audio: str) -> bytes:
    """Return what is posted for a WAV file (22,050 Hz, 16 bit, mono)."""
    if audio == "wav":
        return sound
    if audio == "mulaw":
        return to_mulaw(samples_at_8_khz(sound)).tobytes()
    with wave.open(io.BytesIO(sound), "rb") as file:
        samples = np.frombuffer(file.readframes(-1), "<i2")
    return samples.astype(">i2").tobytes()  # L16 is big-endian (RFC 3551)
