"""Which models there are: models/registry.toml, read and checked."""

from __future__ import annotations

import tomllib
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from domain.errors import Stop

ROOT = Path(__file__).resolve().parents[1]
REGISTRY_FILE = Path(__file__).with_name("registry.toml")
TRITON_REPO = ROOT / "triton_repo"
CACHE_DIR = ROOT / "var" / "models"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WheelSource(_Facts):
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

    def __str__(self) -> str:
        return f"{self.package} {self.version}: {self.member}"


class UrlSource(_Facts):
    """A file on a web server."""

    kind: Literal["url"]
    url: str = Field(pattern=r"^https?://\S+$")

    @property
    def file_name(self) -> str:
        """Last part of the address's path."""
        return PurePosixPath(self.url.split("?")[0].split("#")[0]).name or "model"

    def __str__(self) -> str:
        return self.url


class FileSource(_Facts):
    """A file on this machine; relative paths start at the repository's root."""

    kind: Literal["file"]
    path: Path

    @property
    def file_name(self) -> str:
        """The file's own name."""
        return self.path.name

    def __str__(self) -> str:
        return str(self.path)


Source = Annotated[WheelSource | UrlSource | FileSource, Field(discriminator="kind")]


class Tensor(_Facts):
    """One input or output."""

    name: str
    dtype: Literal["uint8", "int32", "float32"]
    shape: tuple[int, ...] = Field(min_length=1, description="-1 is the batch")
    meaning: str

    @model_validator(mode="after")
    def _batch_comes_first(self) -> Self:
        if self.shape[0] != -1 or any(side <= 0 for side in self.shape[1:]):
            raise ValueError(f"shape should be [-1, then sides above 0], got {list(self.shape)}")
        return self


class ModelEntry(_Facts):
    """One model: source, terms, contract, and what builds it."""

    name: Name
    task: str
    source: Source
    sha256: Sha256 = Field(description="of the model file itself, not of what it is packed in")
    size_bytes: int = Field(gt=0)
    licence: str = Field(min_length=1, description="SPDX identifier of the weights")
    trained_on: str
    colour_order: Literal["RGB", "BGR"]
    inputs: tuple[Tensor, ...] = Field(min_length=1)
    outputs: tuple[Tensor, ...] = Field(min_length=1)
    builder: str = Field(
        pattern=r"^models(\.[a-z_]+)+$", description="module with VERSION and build_model()"
    )
    triton_folder: Name
    card: str = Field(description="README of the model, from the repository's root")


class Registry(_Facts):
    """All models."""

    models: tuple[ModelEntry, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for what in ("name", "triton_folder"):
            values = [getattr(entry, what) for entry in self.models]
            if twice := sorted({value for value in values if values.count(value) > 1}):
                raise ValueError(f"{what} should be unique, got twice: {', '.join(twice)}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Names, in the file's order."""
        return tuple(entry.name for entry in self.models)

    def model(self, name: str) -> ModelEntry:
        """The entry of that name.

        Raises:
            Stop: there is none.
        """
        for entry in self.models:
            if entry.name == name:
                return entry
        raise Stop(f"no model {name!r} in the registry; it has: {', '.join(self.names)}")

    def versions(self) -> str:
        """One line naming the weights in use, for evidence: `detector=<sha12> embedder=<sha12> …`."""
        return " ".join(
            f"{entry.name.replace('_', '-')}={entry.sha256[:12]}" for entry in self.models
        )


def read_registry(path: Path = REGISTRY_FILE) -> Registry:
    """Read and check the registry.

    Raises:
        Stop: the file cannot be read, is not TOML, or an entry is wrong; every fault is named.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Stop(f"{path}: the model registry cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Stop(f"{path}: not TOML: {error}") from error
    try:
        return Registry.model_validate(tree)
    except ValidationError as error:
        raise Stop("\n".join(_say(path, tree, fault) for fault in error.errors())) from None


def _say(path: Path, tree: dict[str, Any], fault: Any) -> str:
    where = list(fault["loc"])
    if len(where) >= 2 and where[0] == "models" and isinstance(where[1], int):
        entry = tree["models"][where[1]]
        name = entry.get("name") if isinstance(entry, dict) else None
        where[:2] = [f"model {name or where[1] + 1}"]
    came = "" if fault["type"] in ("missing", "value_error") else f", got {fault['input']!r:.60}"
    return (
        f"{path}: {'.'.join(map(str, where))}: {fault['msg'].removeprefix('Value error, ')}{came}"
    )
