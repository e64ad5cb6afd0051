"""Settings for the authority that stamps evidence with its time (RFC 3161)."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from domain.base import FrozenModel


class TimeStamping(FrozenModel):
    """A time-stamping authority, and whose word for it counts."""

    url: str = Field(description="http(s)://…, where requests are posted")
    ca_file: str = Field(
        min_length=1,
        description="certificates (PEM) of the authority's issuer, up to its root; relative to the "
        "site file",
    )
    timeout_s: float = Field(default=10.0, gt=0, le=60, description="for the whole answer")

    @model_validator(mode="after")
    def _check(self) -> Self:
        parts = urlsplit(self.url)
        # first: no message repeats an address with a password
        if parts.username or parts.password:
            raise ValueError("url should hold no password: the site file is no secret")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"time_stamping needs url: http(s)://…, got {self.url!r}")
        return self
