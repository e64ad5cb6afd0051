"""What all facts of the site file have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Identifier = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="lower-case letters, digits, '-'")
]
Fault = tuple[tuple[str | int, ...], str]  # where in the site file, what is wrong
Fraction01 = Annotated[float, Field(ge=0, le=1)]


class Facts(BaseModel):
    """Read once, never changed, and nothing in it that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BothLanguages(Facts):
    """A text that people read or hear: always in Chinese and in English."""

    zh: str = Field(min_length=1, description="Chinese")
    en: str = Field(min_length=1, description="English")
