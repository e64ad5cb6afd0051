"""Spell and read numbers.json and vectors.json: all that a record's row in the table holds.

From them the table can be made anew. The vectors are a file of their own: by them somebody can be
found again among other pictures, so they are kept like an original, and a masked export leaves them
out. (Old records have them in numbers.json.)
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from domain.events.catalog import EvidenceFile
from domain.evidence import EvidenceRecord
from evidence_store.vault.manifest import facts_of

NUMBERS_NAME, VECTORS_NAME = "numbers.json", "vectors.json"
VECTORS_ROLE = "search vectors"
FORMAT = "forewarn evidence 1"
_TIMES = ("first_seen_at", "ended_at", "clip_from_at")
_VECTORS = ("embedding", "appearance")


def spell_numbers(record: EvidenceRecord, story: Mapping[str, Any]) -> bytes:
    """Spell numbers.json of a record that has its files, without numbers.json itself."""
    numbers = {
        "format": FORMAT,
        "record": facts_of(record),
        "files": [file.model_dump() for file in record.files],
        "story": story,
    }
    return (json.dumps(numbers, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def spell_vectors(record: EvidenceRecord) -> bytes:
    """Spell vectors.json."""
    vectors = {
        "encoding": "base64 of little-endian float32",
        **{name: _pack(getattr(record, name)) for name in _VECTORS},
    }
    return (json.dumps(vectors, indent=1, sort_keys=True) + "\n").encode()


def read_numbers(content: bytes, vectors: bytes = b"") -> tuple[EvidenceRecord, dict[str, Any]]:
    """Read the record and its story from the content of numbers.json.

    `vectors` is the content of vectors.json; without it the record's vectors have no numbers, unless
    numbers.json is an old one that holds them.

    Raises:
        ValueError, KeyError, TypeError: it is no such file.
    """
    numbers = _parse(content)
    facts = dict(numbers["record"])
    for name in _TIMES:
        facts[name] = datetime.fromisoformat(facts[name])
    facts["missing"] = tuple(facts["missing"])
    packed = _parse(vectors) if vectors else dict(numbers.get("vectors", {}))
    record = EvidenceRecord(
        **facts,
        files=tuple(EvidenceFile.model_validate(file) for file in numbers["files"]),
        embedding=_unpack(packed.get("embedding", "")),
        appearance=_unpack(packed.get("appearance", "")),
    )
    return record, dict(numbers["story"])


def holds_vectors(content: bytes) -> bool:
    """Tell whether numbers.json holds the vectors, as in old records."""
    try:
        return "vectors" in _parse(content)
    except ValueError:
        return True  # in doubt it stays


def _parse(content: bytes) -> dict[str, Any]:
    """Read an object of JSON that can be spelled again, as what is hashed has to be; raises ValueError."""
    try:
        value = json.loads(content)
        # refuses half a surrogate pair, NaN and infinities: JSON reads them, and canonical JSON has no spelling
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError as error:
        raise ValueError("is nested too deep") from error
    if not isinstance(value, dict):
        raise ValueError("is no JSON object")
    return value


def _pack(vector: np.ndarray) -> str:
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode("ascii")


def _unpack(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype="<f4").astype(np.float32)
