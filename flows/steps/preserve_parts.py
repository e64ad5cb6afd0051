"""What the preserve flow works with: the site, its footage, models, and where evidence is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from domain.site import Site
from event_log.rows import LoggedEvent
from evidence_store.custody import CustodyChain
from evidence_store.footage import FootageFinder
from evidence_store.table import EvidenceTable
from evidence_store.vault import Vault
from flows.masks.faces import FindsFaces
from flows.masks.people import FindsPeople


class Embeds(Protocol):
    """What subjects look like, as vectors (models/serving's Embedder)."""

    def embed(self, crops_rgb: Sequence[np.ndarray]) -> np.ndarray:
        """(n, 1280) float32 of unit length. Raises TryAgain while the server is away."""


@dataclass(frozen=True)
class PreserveModels:
    """The models that evidence needs."""

    embedder: Embeds
    faces: FindsFaces
    people: FindsPeople
    describe: Callable[[np.ndarray], np.ndarray]  # crop -> (256,): models/appearance
    versions: str  # "detector=<sha12> embedder=<sha12> face-detector=<sha12>"
    details: Sequence[Mapping[str, Any]] = ()  # names, licences and whole hashes, for numbers.json


@dataclass(frozen=True)
class PreserveParts:
    """What the front door hands to the preserve flow."""

    site: Site
    footage: FootageFinder
    models: PreserveModels
    vault: Vault
    table: EvidenceTable
    custody: CustodyChain  # its key signs the records, too
    software_version: str
    # an event of the log by its id: what came of a call may stand there and not have come by yet
    find: Callable[[str], LoggedEvent | None] = lambda _: None
    sounds: Path | None = None  # what an announcement's audio_file is relative to; None: no sounds
    lead_s: float = 3.0  # footage before the first sighting
    tail_s: float = 3.0  # and after the last
