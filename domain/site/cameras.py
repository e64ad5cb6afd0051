"""Cameras of the site file, with the zones and lines on their pictures, and their clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, ConfigDict, Field, field_validator, model_validator

from domain.base import BothLanguages, Fraction01, FrozenModel, Identifier, ModelName
from domain.site.addresses import check_camera_address, is_stream, wants_credentials
from domain.site.compliance import Compliance
from domain.site.views import Views


class Zone(FrozenModel):
    """An area on a camera's picture. A person is in it when the middle of their box's foot is."""

    id: Identifier
    title: BothLanguages
    polygon: tuple[tuple[Fraction01, Fraction01], ...] = Field(
        min_length=3,
        description="corners (x, y) as fractions of the picture's width and height, from top left",
    )


class Line(FrozenModel):
    """A line on a camera's picture that somebody may cross."""

    id: Identifier
    title: BothLanguages
    points: tuple[tuple[Fraction01, Fraction01], ...] = Field(
        min_length=2,
        description="points (x, y) as fractions of the picture's width and height, from top left",
    )


class Camera(FrozenModel):
    """One stream or recording."""

    # a url may hold a password, which is refused and must not be printed
    model_config = ConfigDict(hide_input_in_errors=True)

    id: Identifier
    title: BothLanguages
    url: str = Field(
        min_length=1,
        description="rtsp(s)://… , http(s)://… or a file's path, relative to the site file; never with "
        "a password: {user} and {password} stand for it where the camera wants it behind the host",
    )
    user: str | None = Field(
        default=None, min_length=1, description="streams only: for digest or basic authentication"
    )
    password_env: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="streams only: name of the environment variable, or of the line in the secrets "
        "file, that holds the password",
    )
    redirects_to: tuple[str, ...] = Field(
        default=(),
        description="streams only: other hosts to which the camera may send on; they get no password",
    )
    analyse_fps: float = Field(default=5.0, gt=0, le=60, description="frames analysed a second")
    detector: ModelName | None = Field(
        default=None,
        description="name of the model that looks for people and things here; none: the site's",
    )
    views: Views = Field(
        default="automatic",
        description="parts of the picture to look at closely, each [left, top, right, bottom] as "
        "fractions and one question to the detector; automatic: around the zones in which rules look "
        "for people, two at most; whole: the whole picture, as one",
    )
    starts_at: AwareDatetime | None = Field(
        default=None,
        description="files only: when the first frame was taken; "
        "else the file's own creation time, else its modification time",
    )
    stretch_s: tuple[Annotated[float, Field(ge=0)], float] | None = Field(
        default=None, description="files only: play from .. to, seconds of the file"
    )
    zones: tuple[Zone, ...] = ()
    lines: tuple[Line, ...] = ()
    compliance: Compliance | None = Field(
        default=None, description="without a whole record in force it records and does not warn"
    )
    speaker: str | None = Field(
        default=None, description="id of the speaker that is heard there; none: a file is written"
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        check_camera_address(url)
        return url

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.stretch_s is not None and self.stretch_s[1] <= self.stretch_s[0]:
            raise ValueError(f"stretch_s should end after it starts, got {list(self.stretch_s)}")
        if self.is_live and (self.starts_at or self.stretch_s):
            raise ValueError(
                "starts_at and stretch_s are for files; a live stream has its own clock"
            )
        if not self.is_live and (self.user or self.password_env or self.redirects_to):
            raise ValueError("user, password_env and redirects_to are for streams, not for files")
        if (self.user is None) != (self.password_env is None):
            raise ValueError("user and password_env belong together")
        if self.user is None and self.is_live and wants_credentials(self.url):
            raise ValueError("url has a place for a password; name it by user and password_env")
        return self

    @property
    def is_live(self) -> bool:
        """Return True for streams that cannot be played again."""
        return is_stream(self.url)


def media_start(camera: Camera, path: Path, created_at: datetime | None) -> datetime:
    """Tell when a file camera's first frame was taken; `created_at`: the container's own time, if any."""
    if camera.starts_at is not None:
        return camera.starts_at
    if created_at is not None:
        return created_at
    return datetime.fromtimestamp(path.stat().st_mtime, ZoneInfo("UTC")).replace(microsecond=0)


def event_time(start: datetime, media_time_s: float) -> datetime:
    """Compute the event time of a frame: the start plus its media time, to the microsecond."""
    return start + timedelta(microseconds=round(media_time_s * 1e6))
