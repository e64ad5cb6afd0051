"""Evidence records that are put into a vault as the watch process puts them."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from staged_pictures import START

from domain.data_dir import DataDir
from domain.events.catalog import EvidenceFile, EvidenceSealed
from domain.evidence import APPEARANCE_SIZE, EMBEDDING_SIZE, EvidenceRecord
from evidence_store.keys.encrypted_file import ENDING, encrypt_file
from evidence_store.keys.encryption_keys import find_encryption_keys
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.file_roles import is_original


def put_files(
    data: DataDir, evidence_id: str, picture: bytes, clip: Path
) -> tuple[EvidenceFile, ...]:
    """Write two masked pictures, two originals and the clip; what is original is encrypted."""
    folder = data.evidence / evidence_id
    folder.mkdir(parents=True)
    roles: dict[str, tuple[Any, bytes]] = {
        "first.jpg": ("snapshot", picture),
        "last.jpg": ("snapshot", picture),
        "first.masked.jpg": ("masked snapshot", picture),
        "last.masked.jpg": ("masked snapshot", picture),
        "clip.mp4": ("clip", clip.read_bytes()),
    }
    key = find_encryption_keys(data.keys).current
    assert key is not None
    for name, (role, content) in roles.items():
        if is_original(role):
            path = folder / f"{name}{ENDING}"
            encrypt_file(io.BytesIO(content), path, f"{evidence_id}/{name}", key)
        else:
            (folder / name).write_bytes(content)
    return tuple(
        EvidenceFile(name=name, role=role, sha256="0" * 64, size_bytes=len(content))
        for name, (role, content) in roles.items()
    )


def put_row(data: DataDir, sealed: EvidenceSealed) -> None:
    """Add the record's row."""
    EvidenceTable.open(data.lancedb).put([row_of(sealed)])


def row_of(sealed: EvidenceSealed) -> EvidenceRecord:
    """Make a record's row; records of one camera look more alike than others."""
    seed = int(sealed.offence_id[-8:], 16)
    alike = 100 if sealed.camera_id == "gate-early" else 200
    return EvidenceRecord(
        evidence_id=sealed.evidence_id,
        offence_id=sealed.offence_id,
        site_id=sealed.site_id,
        camera_id=sealed.camera_id,
        zone_id="forecourt-early",
        rule_id=sealed.rule_id,
        subject_id="gate/7",
        outcome=sealed.outcome,
        first_seen_at=START,
        ended_at=START + timedelta(seconds=seed % 60),
        dwell_s=12.0,
        rungs_spoken=2,
        best_score=0.8,
        subject_height_px=110.0,
        clip_duration_s=20.0,
        clip_from_at=START,
        complete=True,
        missing=(),
        files=sealed.files,
        embedding=_unit_vector(EMBEDDING_SIZE, alike, seed),
        appearance=_unit_vector(APPEARANCE_SIZE, alike, seed),
        model_versions="staged",
        software_version="staged",
    )


def _unit_vector(size: int, alike: int, seed: int) -> np.ndarray:
    shared = np.random.default_rng(alike).normal(size=size)
    own = np.random.default_rng(seed).normal(size=size)
    vector = shared + 0.5 * own
    return (vector / np.linalg.norm(vector)).astype(np.float32)
