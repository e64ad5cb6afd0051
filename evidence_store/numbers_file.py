"""numbers.json: everything that a record's row says, so that the table can be made anew from the vault."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from domain.events import EvidenceFile
from domain.evidence import EvidenceRecord
from evidence_store.manifest import facts_of

NUMBERS_NAME = "numbers.json"
FORMAT = "forewarn evidence 1"
_TIMES = ("first_seen_at", "ended_at", "clip_from_at")
_VECTORS = ("embedding", "appearance")


def spell_numbers(record: EvidenceRecord, story: Mapping[str, Any]) -> bytes:
    """The file's content.

    Args:
        record: with its files, numbers.json itself left out.
    """
    numbers = {
        "format": FORMAT,
        "record": facts_of(record),
        "files": [file.model_dump() for file in record.files],
        "vectors": {
            "encoding": "base64 of little-endian float32",
            **{name: _pack(getattr(record, name)) for name in _VECTORS},
        },
        "story": story,
    }
    return (json.dumps(numbers, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def read_numbers(content: bytes) -> tuple[EvidenceRecord, dict[str, Any]]:
    """The record and its story.

    Raises:
        ValueError, KeyError, TypeError: it is no such file.
    """
    numbers = json.loads(content)
    facts = dict(numbers["record"])
    for name in _TIMES:
        facts[name] = datetime.fromisoformat(facts[name])
    facts["missing"] = tuple(facts["missing"])
    record = EvidenceRecord(
        **facts,
        files=tuple(EvidenceFile.model_validate(file) for file in numbers["files"]),
        embedding=_unpack(numbers["vectors"]["embedding"]),
        appearance=_unpack(numbers["vectors"]["appearance"]),
    )
    return record, dict(numbers["story"])


def _pack(vector: np.ndarray) -> str:
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode("ascii")


def _unpack(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype="<f4").astype(np.float32)
