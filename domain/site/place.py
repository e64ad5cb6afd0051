"""The place that a site file is about: its name, clock and country."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from domain.base import BothLanguages, FrozenModel, Identifier


def _known_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"no time zone {name!r}; use a name such as Asia/Shanghai") from error
    return name


class SiteInfo(FrozenModel):
    """The place."""

    id: Identifier
    title: BothLanguages
    timezone: Annotated[str, AfterValidator(_known_timezone)] = Field(
        default="UTC", description="IANA name, for times that people read"
    )
    enforcement: Literal["real", "demonstration"] = Field(
        default="real",
        description="demonstration: cameras without a compliance record may warn as well",
    )
    country: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{2}$",
        description="ISO code such as CN, whose public holidays PH in hours means",
    )
    console_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/?#\s]+/?$",
        description="where people reach the console, for links in messages",
    )
