"""Read and check the list of models: each folder below models/ with a model.toml is one.

A model's folder holds all that is its own, and adding one touches nothing else:

- `model.toml`: source, hash, licence, contract, how it is served, what a detector tells apart
- `build.py`: VERSION, and build_model(entry, source), which returns the openvino.Model to be saved
- `golden.py`: questions() and faults(answers), by which every server is asked; `golden/`, its answers
- `README.md`: the card
- of a detector: `postprocess.py`, to_detections(stamp, row, min_score), and `calibration.json`
"""

from __future__ import annotations

import hashlib
import importlib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

import models
from domain.base import FrozenModel, ModelName
from domain.errors import Stop
from models.contract import Detects, ServedAs, Tensor
from models.source_kinds import Sha256, Source

ROOT = Path(__file__).resolve().parents[1]
USUAL_DETECTOR = "detector"
MODEL_FILE, CARD = "model.toml", "README.md"
TRITON_REPO = ROOT / "triton_repo"
CACHE_DIR = ROOT / "var" / "models"


class CompanionFile(FrozenModel):
    """A file that must lie beside a model's own: its weights, where that holds the graph only."""

    source: Source
    sha256: Sha256
    size_bytes: int = Field(gt=0)


class ModelEntry(FrozenModel):
    """One model: source, terms, contract, and what builds it."""

    name: ModelName
    task: str
    source: Source
    sha256: Sha256 = Field(description="of the model file itself, not of what it is packed in")
    size_bytes: int = Field(gt=0)
    companions: tuple[CompanionFile, ...] = ()
    without: str = Field(
        "", description="optional model: what serves where it cannot be had or used"
    )
    licence: str = Field(min_length=1, description="SPDX identifier of the weights")
    trained_on: str
    colour_order: Literal["RGB", "BGR"]
    inputs: tuple[Tensor, ...] = Field(min_length=1)
    outputs: tuple[Tensor, ...] = Field(min_length=1)
    served: ServedAs = ServedAs()
    detects: Detects | None = Field(default=None, description="of a detector, else none")
    folder: Path = Field(description="the model's own, which the file lies in")

    @model_validator(mode="after")
    def _is_served_as_its_shapes_allow(self) -> Self:
        if self.served.max_batch and not all(t.is_fixed for t in (*self.inputs, *self.outputs)):
            raise ValueError("sides of any size need served.max_batch = 0")
        if self.detects is not None and self.side_px is None:
            raise ValueError("a detector takes one square picture: [-1, side, side, 3]")
        return self

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
    def triton_folder(self) -> str:
        """Name of its folder in a Triton repository."""
        return self.name

    @property
    def builder(self) -> str:
        """Name of the module that builds it."""
        return f"{models.__name__}.{self.folder.name}.build"

    @property
    def file(self) -> str:
        """Return its model.toml, from the repository's root where it lies below."""
        return _short(self.folder / MODEL_FILE)

    @property
    def card(self) -> str:
        """Return its card, likewise."""
        return _short(self.folder / CARD)

    @property
    def side_px(self) -> int | None:
        """Side of the square picture that it takes; None: it takes something else."""
        shape = self.inputs[0].shape
        is_square = len(self.inputs) == 1 and len(shape) == 4 and shape[1] == shape[2] > 0
        return shape[1] if is_square and shape[3] == 3 else None

    def part(self, name: str) -> ModuleType:
        """Import one of its folder's modules, such as "golden"; Stop where it has none that can be used."""
        try:
            return importlib.import_module(f"{models.__name__}.{self.folder.name}.{name}")
        except Exception as error:
            raise Stop(f"{self.name}: {self.folder / name}.py cannot be used: {error}") from error


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


class Registry(FrozenModel):
    """All models."""

    models: tuple[ModelEntry, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = self.names
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"name should be unique, got twice: {', '.join(twice)}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Names, in their own order."""
        return tuple(entry.name for entry in self.models)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of those that nothing works without."""
        return tuple(entry.name for entry in self.models if not entry.is_optional)

    @property
    def detectors(self) -> tuple[str, ...]:
        """Names of those that a site file may choose to look for people and things."""
        return tuple(entry.name for entry in self.models if entry.detects is not None)

    def model(self, name: str) -> ModelEntry:
        """Return the entry of that name; Stop where there is none."""
        for entry in self.models:
            if entry.name == name:
                return entry
        raise Stop(f"no model {name!r} in the registry; it has: {', '.join(self.names)}")


def read_registry(folders: Iterable[str | Path] | None = None) -> Registry:
    """Read and check every model below these folders, else below the package's own; Stop names every fault."""
    places = [Path(folder) for folder in (models.__path__ if folders is None else folders)]
    files = [file for folder in places for file in folder.glob(f"*/{MODEL_FILE}")]
    if not files:
        raise Stop(f"no model: no */{MODEL_FILE} in {', '.join(map(str, places))}")
    faults, entries = list[str](), list[ModelEntry]()
    for file in sorted(files):
        try:
            entries.append(_read_entry(file))
        except Stop as error:
            faults.append(str(error))
    if faults:
        raise Stop("\n".join(faults))
    try:
        return Registry(models=tuple(sorted(entries, key=lambda entry: entry.name)))
    except ValidationError as error:
        raise Stop(
            "\n".join(_say(files[0].parents[1], fault) for fault in error.errors())
        ) from None


def _read_entry(file: Path) -> ModelEntry:
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Stop(f"{file}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Stop(f"{file}: not TOML: {error}") from error
    try:
        return ModelEntry.model_validate(tree | {"folder": file.parent})
    except ValidationError as error:
        raise Stop("\n".join(_say(file, fault) for fault in error.errors())) from None


def _say(file: Path, fault: Any) -> str:
    came = "" if fault["type"] in ("missing", "value_error") else f", got {fault['input']!r:.60}"
    where, words = ".".join(map(str, fault["loc"])), fault["msg"].removeprefix("Value error, ")
    return f"{file}: {where}: {words}{came}"
