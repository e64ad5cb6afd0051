"""Name the vectors of the likeness model: comparable with no other model's."""

from __future__ import annotations

import hashlib

from evidence_store.search.picture_vectors import VectorSpace
from models.building import read_note
from models.likeness.build import VERSION
from models.registry import read_registry


def likeness_space() -> VectorSpace:
    """Return the id of the registry's likeness model and of how crops are prepared for it."""
    entry = read_registry().model("likeness")
    made_by = f"{entry.sources_sha256} {VERSION}"
    size = entry.outputs[0].shape[1]
    return VectorSpace(entry.name, hashlib.sha256(made_by.encode()).hexdigest(), size)


def is_likeness_built() -> bool:
    """Tell whether the likeness model is built on this machine."""
    return read_note(read_registry().model("likeness")) is not None
