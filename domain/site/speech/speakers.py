"""Settings for loudspeakers."""

from __future__ import annotations

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from domain.base import FrozenModel, Identifier
from domain.site.addresses import check_holds_no_password
from domain.site.speech.calls import QuietHours, QuietVolume, check_quiet

SpeakerKind = Literal["file", "http", "rtsp", "sound-device"]
SCHEMES = {"http": ("http", "https"), "rtsp": ("rtsp",)}


class SpeakerSettings(FrozenModel):
    """A loudspeaker; cameras name it by its id."""

    id: Identifier
    kind: SpeakerKind = Field(
        description="file: WAV files in the data folder; http: a network speaker that takes audio "
        "by POST; rtsp: a camera's loudspeaker by the ONVIF back channel; sound-device: this machine's own, by aplay or paplay"
    )
    url: str | None = Field(
        default=None, description="http: where the audio is posted; rtsp: the camera's stream"
    )
    user: str | None = Field(
        default=None, description="http and rtsp: for digest or basic authentication"
    )
    password_env: str | None = Field(
        default=None, description="http and rtsp: environment variable that holds the password"
    )
    audio: Literal["wav", "mulaw", "pcm"] = Field(
        default="wav",
        description="http only: what is posted: a WAV file, raw G.711 mu-law of 8 kHz, or raw "
        "16 bit PCM of 22.05 kHz",
    )
    device: str | None = Field(
        default=None, description="sound-device only: ALSA or PulseAudio name; else the default"
    )
    timeout_s: float = Field(
        default=5.0, gt=0, le=10, description="to connect, and for the answer after the sound"
    )
    max_calls_per_hour: int | None = Field(
        default=None, ge=1, description="further calls in an hour are recorded and not played"
    )
    quiet_hours: QuietHours = None
    quiet_volume: QuietVolume = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.kind in SCHEMES:
            check_holds_no_password(self.url or "")
            parts = urlsplit(self.url or "")
            if parts.scheme not in SCHEMES[self.kind] or not parts.hostname:
                needed = " or ".join(f"{scheme}://…" for scheme in SCHEMES[self.kind])
                raise ValueError(f"an {self.kind} speaker needs url: {needed}, got {self.url!r}")
        elif self.url or self.user or self.password_env:
            raise ValueError(
                f"url, user and password_env are for http and rtsp speakers, not {self.kind}"
            )
        check_quiet(self.quiet_hours, self.quiet_volume)
        if (self.user is None) != (self.password_env is None):
            raise ValueError("user and password_env belong together")
        return self
