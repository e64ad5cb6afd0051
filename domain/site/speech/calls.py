"""Settings for the calls on all of a site's speakers together."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.base import FrozenModel

QuietHours = Annotated[
    str | None,
    Field(
        description="when nobody is called, in opening_hours notation such as 22:00-07:00, in the "
        "site's time zone; the ladder climbs and does the rest all the same"
    ),
]
QuietVolume = Annotated[
    float | None,
    Field(
        gt=0,
        lt=1,
        description="calls in quiet hours are played at this share of their loudness; none: they "
        "are recorded and not played",
    ),
]


class Calls(FrozenModel):
    """Calls to people who are there: how long they keep their use, how often, when not."""

    useful_for_s: float = Field(
        default=5.0, gt=0, le=60, description="a call not begun within this is not made any more"
    )
    say_once_within_s: float = Field(
        default=3.0,
        ge=0,
        le=30,
        description="the same words for several offences that come due on one speaker within this "
        "are said once; 0: each is said",
    )
    max_per_hour: int | None = Field(
        default=None,
        ge=1,
        description="on all speakers together; further calls are recorded and not played",
    )
    max_per_hour_in_zone: int | None = Field(
        default=None,
        ge=1,
        description="for one zone or line of one camera, whoever is called; further calls are "
        "recorded and not played",
    )
    max_per_hour_to_subject: int | None = Field(
        default=None,
        ge=1,
        description="to one and the same subject, under whatever rules; further calls are recorded "
        "and not played",
    )
    quiet_hours: QuietHours = None
    quiet_volume: QuietVolume = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_quiet(self.quiet_hours, self.quiet_volume)
        return self


def check_quiet(hours: str | None, volume: float | None) -> None:
    """Raise ValueError for a volume for quiet hours that do not exist."""
    if volume is not None and hours is None:
        raise ValueError("quiet_volume is for quiet_hours, which are missing")
