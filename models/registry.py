"""Read and check models/registry.toml, the list of models."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from domain.base import FrozenModel
from domain.errors import Stop

ROOT = Path(__file__).resolve().parents[1]
REGISTRY_FILE = Path(__file__).with_name("registry.toml")
TRITON_REPO = ROOT / "triton_repo"
CACHE_DIR = ROOT / "var" / "models"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


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

    def __str__(self) -> str:
        return str(self.path)


Source = Annotated[WheelSource | UrlSource | FileSource, Field(discriminator="kind")]


class Tensor(FrozenModel):
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


Tensors = Sequence[Tensor]
Batches = Sequence[
    Sequence[np.ndarray]
]  # each of rows; a row has the input's shape without the batch
Answer = dict[str, np.ndarray]  # output name -> array with one row for each row of the batch


class CompanionFile(FrozenModel):
    """A file that must lie beside a model's own: its weights, where that holds the graph only."""

    source: Source
    sha256: Sha256
    size_bytes: int = Field(gt=0)


class ModelEntry(FrozenModel):
    """One model: source, terms, contract, and what builds it."""

    name: Name
    task: str
    source: Source
    sha256: Sha256 = Field(description="of the model file itself, not of what it is packed in")
    size_bytes: int = Field(gt=0)
    companions: tuple[CompanionFile, ...] = ()
    without: str = Field("", description="optional model: what serves where it is not built")
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

    @model_validator(mode="after")
    def _file_names_differ(self) -> Self:
        names = [self.source.file_name, *(more.source.file_name for more in self.companions)]
        if len(set(names)) < len(names):
            raise ValueError(f"files of one model need names of their own, got {', '.join(names)}")
        return self

    @property
    def is_optional(self) -> bool:
        """Tell whether forewarn does without it where it cannot be had."""
        return bool(self.without)

    @property
    def sources_sha256(self) -> str:
        """Return the hash of its file; of one with companions a hash of all their hashes."""
        if not self.companions:
            return self.sha256
        hashes = [self.sha256, *(more.sha256 for more in self.companions)]
        return hashlib.sha256("\n".join(hashes).encode()).hexdigest()

    @property
    def config_file(self) -> Path | None:
        """Return the Triton configuration that is built in with an optional model; None: a committed one.

        A server loads whatever folder has one, so that of a model which may be missing comes with it.
        """
        if not self.is_optional:
            return None
        return ROOT.joinpath(*self.builder.split(".")[:-1], "config.pbtxt")


class Registry(FrozenModel):
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

    @property
    def required(self) -> tuple[str, ...]:
        """Names of those that nothing works without."""
        return tuple(entry.name for entry in self.models if not entry.is_optional)

    def model(self, name: str) -> ModelEntry:
        """Return the entry of that name; Stop where there is none."""
        for entry in self.models:
            if entry.name == name:
                return entry
        raise Stop(f"no model {name!r} in the registry; it has: {', '.join(self.names)}")


def read_registry(path: Path = REGISTRY_FILE) -> Registry:
    """Read and check the registry; Stop names every fault."""
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
