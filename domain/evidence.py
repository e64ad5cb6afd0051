"""An evidence record: one closed or escalated offence, kept so that it can be checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from domain.events.catalog import EvidenceFile

EMBEDDING_SIZE = 1280  # EfficientNet-Lite3's pooled features
APPEARANCE_SIZE = 256  # HSV histogram of upper and lower body, 2 x (8 x 4 x 4)


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class EvidenceRecord:
    """Hold one row of the evidence table and the files that it vouches for."""

    evidence_id: str  # minted from the offence id
    offence_id: str
    site_id: str
    camera_id: str
    zone_id: str
    rule_id: str
    subject_id: str
    outcome: str  # state of the ladder: complied, lapsed, escalated, unknown
    first_seen_at: datetime  # UTC
    ended_at: datetime  # UTC
    dwell_s: float
    rungs_spoken: int
    best_score: float  # of the subject's sightings, in [0, 1]
    subject_height_px: float  # in the decoded frame, at the first sighting
    clip_duration_s: float  # 0 where the clip is missing
    clip_from_at: datetime  # event time of the clip's first frame
    complete: bool
    missing: tuple[str, ...]
    files: tuple[EvidenceFile, ...]
    embedding: np.ndarray  # (1280,) float32, unit length; what the subject looks like
    appearance: np.ndarray  # (256,) float32, unit length; colours of the subject's clothes
    model_versions: str  # "detector=<sha12> embedder=<sha12> face-detector=<sha12>"
    software_version: str
    category: str = ""  # of the rule, such as street/loitering; "" where it has none
