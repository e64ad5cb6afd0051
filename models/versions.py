"""Name the models in use: one line for an evidence record, and all that is known of each."""

from __future__ import annotations

from typing import Any

from models.building import WEIGHTS, read_note
from models.registry import USUAL_DETECTOR, ModelEntry, read_registry


def version_of(entry: ModelEntry) -> str:
    """Return `name=<first 12 digits of the built weights' sha256>`; see built_versions()."""
    note = read_note(entry)
    digest = note.files[WEIGHTS][:12] if note else "not-built"
    return f"{entry.name.replace('_', '-')}={digest}"


def built_versions() -> str:
    """Return the version of every model in the registry, but for detectors that few cameras use.

    Sightings name those. With a server elsewhere (--triton) these are this machine's builds; the server's own are only
    known to agree in their answers (models/serving/check.py).
    """
    return " ".join(version_of(entry) for entry in read_registry().models if _is_for_all(entry))


def _is_for_all(entry: ModelEntry) -> bool:
    return entry.detects is None or entry.name == USUAL_DETECTOR


def built_models() -> list[dict[str, Any]]:
    """List name, task, licence, source and whole hashes of every model in the registry, as JSON values."""
    models = []
    for entry in read_registry().models:
        note = read_note(entry)
        models.append(
            {
                "name": entry.name,
                "task": entry.task,
                "licence": entry.licence,
                "source": str(entry.source),
                "source_sha256": entry.sha256,
                "built_sha256": dict(note.files) if note else {},
                "built_with": f"openvino {note.openvino}" if note else "",
            }
        )
    return models
