"""Play on a camera's own loudspeaker, by the ONVIF back channel of its RTSP stream."""

from __future__ import annotations

import time
from collections.abc import Callable

from domain.errors import PutAside
from domain.site.speech.speakers import SpeakerSettings
from flows.speech.devices.back_channel import REQUIRE, BackChannel, find_back_channel
from flows.speech.devices.g711 import RATE_HZ, samples_at_8_khz, to_alaw, to_mulaw
from flows.speech.devices.player import Played
from flows.speech.devices.rtsp_session import (
    UNAUTHORIZED,
    RtpStream,
    RtspAnswer,
    RtspBroken,
    RtspSession,
)
from flows.speech.speaker import NoSpeaker

PACKET_SAMPLES = 160  # 20 ms, RFC 3551's default
AHEAD_S = 0.1  # of what is being heard, so that a moment's pause here is not heard there
BUSY = frozenset({453, 503})  # not enough bandwidth, service unavailable


class _Refused(Exception):
    """The device answered, and will not play; it has got nothing of the sound."""

    def __init__(self, played: Played) -> None:
        self.played = played


class RtspPlayer:
    """Opens the stream anew for each call, sends the sound in its own time, and closes it."""

    def __init__(self, settings: SpeakerSettings, password: str | None) -> None:
        self._settings = settings
        self._password = password
        self._url = settings.url or ""
        self._name = f"{settings.id} ({self._url})"

    def play(self, sound: bytes, duration_s: float, before: Callable[[], None]) -> Played:
        settings = self._settings
        try:
            with RtspSession(self._url, settings.user, self._password, settings.timeout_s) as rtsp:
                channel = self._open(rtsp)
                before()
                return self._send(rtsp, channel, sound)
        except _Refused as refused:
            return refused.played
        except (RtspBroken, OSError) as error:  # only before the sound; _send tells of its own
            words = str(error) or f"no answer within {settings.timeout_s:g} s"
            raise NoSpeaker(f"{self._name}: {words}; is it on?") from error

    def _open(self, rtsp: RtspSession) -> BackChannel:
        """Do everything up to the moment from which sound may be sent."""
        described = self._ask(rtsp, "DESCRIBE", self._url, Accept="application/sdp")
        base = described.header("content-base") or described.header("content-location")
        try:
            channel = find_back_channel(described.body, base or self._url)
        except PutAside as error:
            raise _Refused(Played("refused", f"{self._name}: {error}")) from None
        transport = "RTP/AVP/TCP;unicast;interleaved=0-1"
        set_up = self._ask(rtsp, "SETUP", channel.url, Transport=transport)
        rtsp.session_id = set_up.header("session").split(";")[0]
        self._ask(rtsp, "PLAY", channel.whole_url, Range="npt=0.000-")
        return channel

    def _ask(self, rtsp: RtspSession, method: str, url: str, **headers: str) -> RtspAnswer:
        try:
            answer = rtsp.ask(method, url, Require=REQUIRE, **headers)
        except PutAside as error:
            raise _Refused(Played("refused", f"{self._name}: {error}")) from None
        if 200 <= answer.status < 300:
            return answer
        words = f"{self._name}: answered {answer.status} {answer.reason} to {method}"
        if answer.status == UNAUTHORIZED:
            words += f"; are user and {self._settings.password_env} right?"
        elif answer.status == 551:
            words += "; it has no ONVIF back channel"
        raise _Refused(Played("busy" if answer.status in BUSY else "refused", words))

    def _send(self, rtsp: RtspSession, channel: BackChannel, sound: bytes) -> Played:
        """Send the sound; from here on something may be heard: whatever happens, there is no second try."""
        samples = samples_at_8_khz(sound)
        coded = (to_mulaw if channel.codec == "PCMU" else to_alaw)(samples).tobytes()
        stream = RtpStream(channel.payload_type)
        began_at = time.monotonic()
        try:
            for at in range(0, len(coded), PACKET_SAMPLES):
                rtsp.send_data(0, stream.packet(coded[at : at + PACKET_SAMPLES]))
                rtsp.forget_incoming()
                _wait_until(began_at + at / RATE_HZ - AHEAD_S)
            _wait_until(began_at + len(coded) / RATE_HZ)
            ended = rtsp.ask("TEARDOWN", channel.whole_url, Require=REQUIRE)
        except TimeoutError:
            words = f"{self._name}: took no sound, or gave no answer at its end, within "
            return Played("timed out", f"{words}{self._settings.timeout_s:g} s")
        except (RtspBroken, OSError, PutAside) as error:
            return Played("unknown whether played", f"{self._name}: {error}")
        if 200 <= ended.status < 300:
            return Played("played")
        words = (
            f"{self._name}: took the sound and answered {ended.status} {ended.reason} at its end"
        )
        return Played("unknown whether played", words)


def _wait_until(moment: float) -> None:
    left_s = moment - time.monotonic()
    if left_s > 0:
        time.sleep(left_s)
