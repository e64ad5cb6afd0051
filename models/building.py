"""Build what Triton serves: fetched source -> triton_repo/<folder>/1/model.xml and model.bin."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from domain.errors import Stop
from domain.files import put_in_place, sha256_of
from models.registry import TRITON_REPO, ModelEntry
from models.triton_config import CONFIG, has_config, put_config

WEIGHTS, GRAPH, NOTE = "model.bin", "model.xml", "build.json"


class BuildNote(BaseModel):
    """Facts of a built model: what it was made from. Written last, it vouches for the two files beside it."""

    model_config = ConfigDict(frozen=True)

    model: str
    source_sha256: str
    builder: str
    builder_version: int
    contract: str  # inputs and outputs, as the registry had them, and what else it was built for
    openvino: str
    files: dict[str, str]  # name -> sha256


def built_folder(entry: ModelEntry, triton_repo: Path = TRITON_REPO) -> Path:
    """Return the folder of the built model."""
    return triton_repo / entry.triton_folder / "1"


def read_note(entry: ModelEntry, triton_repo: Path = TRITON_REPO) -> BuildNote | None:
    """Read what the built model was made from; None where nothing (whole) was built."""
    try:
        return BuildNote.model_validate_json((built_folder(entry, triton_repo) / NOTE).read_bytes())
    except (OSError, ValueError):
        return None


def why_not_built(entry: ModelEntry, triton_repo: Path = TRITON_REPO) -> str | None:
    """Say why the model must be built (again); None where it is up to date and undamaged."""
    note = read_note(entry, triton_repo)
    if note is None:
        return "not built"
    if note.source_sha256 != entry.sources_sha256:
        return "built from another source file"
    if (note.builder, note.builder_version) != (entry.builder, _builder(entry).VERSION):
        return "built by an older builder"
    if note.contract != _contract(entry):
        return "built for other inputs, outputs or classes"
    folder = built_folder(entry, triton_repo)
    for name, sha256 in note.files.items():
        try:
            if sha256_of(folder / name) != sha256:
                return f"{name} was changed after it was built"
        except OSError:
            return f"{name} is missing"
    if not has_config(entry, triton_repo):
        return f"{CONFIG} is missing, or another"
    return None


def lay_out_configs(entries: Iterable[ModelEntry], triton_repo: Path) -> None:
    """Write the config.pbtxt of every model that is built there and lacks it, or has another release's.

    Raises:
        Stop: one should be written and cannot be.
    """
    for entry in entries:
        if read_note(entry, triton_repo) is not None:
            try:
                put_config(entry, triton_repo)
            except OSError as error:
                raise Stop(
                    f"{triton_repo}: {entry.name}'s {CONFIG} cannot be written: {error}"
                ) from error


def build(entry: ModelEntry, source: Path, triton_repo: Path = TRITON_REPO) -> BuildNote:
    """Build one model, whether or not it was built before.

    The source is fetched and checked, see models/sources.py. A crash at any moment leaves either a
    whole model or one without its build.json, which is built again.

    Raises:
        Stop: the builder cannot use the source, or the disk cannot take the result.
    """
    import openvino as ov

    folder = built_folder(entry, triton_repo)
    temporary = folder / f".building-{os.getpid()}"
    try:
        temporary.mkdir(parents=True, exist_ok=True)
        model = _builder(entry).build_model(entry, source)
        # half-size weights; they are widened again when the server loads them
        ov.save_model(model, temporary / GRAPH, compress_to_fp16=True)
        note = BuildNote(
            model=entry.name,
            source_sha256=entry.sources_sha256,
            builder=entry.builder,
            builder_version=_builder(entry).VERSION,
            contract=_contract(entry),
            openvino=ov.__version__,
            files={name: sha256_of(temporary / name) for name in (WEIGHTS, GRAPH)},
        )
        (temporary / NOTE).write_text(note.model_dump_json(indent=1) + "\n", encoding="utf-8")
        (folder / NOTE).unlink(missing_ok=True)
        for name in (WEIGHTS, GRAPH, NOTE):
            put_in_place(temporary / name, folder / name)
        # last: a server loads whatever folder has one
        put_config(entry, triton_repo)
    except OSError as error:
        raise Stop(f"{entry.name}: cannot write the built model into {folder}: {error}") from error
    except RuntimeError as error:  # what OpenVINO raises for everything
        first_line = str(error).strip().splitlines()[-1]
        raise Stop(f"{entry.name}: OpenVINO cannot build {source}: {first_line}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return note


def _builder(entry: ModelEntry) -> Any:
    return entry.part("build")


def _contract(entry: ModelEntry) -> str:
    tensors = {
        side: [(t.name, t.dtype, list(t.shape)) for t in getattr(entry, side)]
        for side in ("inputs", "outputs")
    }
    # settings of ours that a builder works in: where they change, it must build again
    built_for = getattr(_builder(entry), "BUILT_FOR", None)
    return json.dumps(tensors | ({"built_for": built_for} if built_for else {}), sort_keys=True)
