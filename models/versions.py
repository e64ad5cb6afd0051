"""Which models answered, in one line for an evidence record."""

from __future__ import annotations

from models.building import read_note
from models.registry import read_registry


def built_versions() -> str:
    """`name=<first 12 digits of the built weights' sha256>` of every model in the registry.

    With a server elsewhere (--triton) these are this machine's builds; the server's own are only
    known to agree in their answers (models/serving/check.py).
    """
    lines = []
    for entry in read_registry().models:
        note = read_note(entry)
        digest = note.files["model.bin"][:12] if note else "not-built"
        lines.append(f"{entry.name.replace('_', '-')}={digest}")
    return " ".join(lines)
