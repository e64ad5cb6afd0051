"""A plausible evidence record, without footage."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from domain.evidence import APPEARANCE_SIZE, EMBEDDING_SIZE, EvidenceRecord

EVIDENCE_ID = "evd-00000000000000aa"


def a_record(evidence_id: str = EVIDENCE_ID) -> EvidenceRecord:
    """Make an incomplete record with a text in Chinese, and with vectors of unit length."""
    embedding = np.linspace(-1, 1, EMBEDDING_SIZE, dtype=np.float32)
    appearance = np.linspace(0, 1, APPEARANCE_SIZE, dtype=np.float32)
    return EvidenceRecord(
        evidence_id=evidence_id,
        offence_id="ofc-1",
        site_id="campus",
        camera_id="gate",
        zone_id="forecourt",
        rule_id="no-lingering",
        subject_id="gate/7",
        outcome="complied",
        first_seen_at=datetime(2026, 3, 2, 8, 0, 0, tzinfo=UTC),
        ended_at=datetime(2026, 3, 2, 8, 0, 12, 345678, tzinfo=UTC),
        dwell_s=11.1,
        rungs_spoken=2,
        best_score=0.8125,
        subject_height_px=112.5,
        clip_duration_s=18.2,
        clip_from_at=datetime(2026, 3, 2, 7, 59, 57, tzinfo=UTC),
        complete=False,
        missing=("clip: 中断",),
        files=(),
        embedding=embedding / np.linalg.norm(embedding),
        appearance=appearance / np.linalg.norm(appearance),
        model_versions="detector=0123456789ab",
        software_version="0.1.0",
        category="street/loitering",
    )
