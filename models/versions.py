"""Name the models in use: one line for an evidence record, and all that is known of each."""

from __future__ import annotations

from typing import Any

from models.building import read_note
from models.registry import read_registry


def built_versions() -> str:
    """Return `name=<first 12 digits of the built weights' sha256>` of every model in the registry.

    With a server elsewhere (--triton) these are this machine's builds; the server's own are only
    known to agree in their answers (models/serving/check.py).
    """
    lines = []
    for entry in read_registry().models:
        note = read_note(entry)
        digest = note.files["model.bin"][:12] if note else "not-built"
        lines.append(f"{entry.name.replace('_', '-')}={digest}")
    return " ".join(lines)


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
