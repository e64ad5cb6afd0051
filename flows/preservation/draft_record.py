"""Hold what a record is made with, and a record in the making: its files, what is missing and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import structlog

from domain.errors import ForewarnError, Stop, TryAgain
from domain.site.site import Site
from event_log.rows import LoggedEvent
from evidence_store.custody.chain import CustodyChain
from evidence_store.recordings.footage import FootageFinder
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.vault import Vault
from flows.masks.faces import FaceFinder
from flows.masks.people import PersonFinder
from flows.put_aside import StepAside, only_logged

log = structlog.get_logger()
_T = TypeVar("_T")


class PictureEmbedder(Protocol):
    """Turns pictures of subjects into vectors (models/serving's Embedder)."""

    def embed(self, crops_rgb: Sequence[np.ndarray]) -> np.ndarray:
        """Return (n, 1280) float32 of unit length; raises TryAgain while the server is away."""


@dataclass(frozen=True)
class PreserveModels:
    """The models that evidence needs."""

    embedder: PictureEmbedder
    faces: FaceFinder
    people: PersonFinder
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
    # head of the log's own chain as JSON values, which each sealing signs; None: there is none
    log_head: Callable[[], Mapping[str, Any] | None] = lambda: None
    sounds: Path | None = None  # what an announcement's audio_file is relative to; None: no sounds
    beat: Callable[[], None] = lambda: None  # a sign of life: one record may take a minute
    row_aside: StepAside = field(
        default_factory=lambda: only_logged("row")
    )  # told of rows not written
    lead_s: float = 3.0  # footage before the first sighting
    tail_s: float = 3.0  # and after the last


@dataclass
class DraftRecord:
    """Files and reasons, as the parts of one record come in."""

    folder: Path
    roles: dict[str, str] = field(default_factory=dict)  # file name -> what it is in the record
    missing: list[str] = field(default_factory=list)  # makes the record incomplete
    remarks: list[str] = field(default_factory=list)  # takes nothing from it
    beat: Callable[[], None] = lambda: None  # called before each part

    def attempt(self, part: str, make: Callable[[], _T]) -> _T | None:
        """Make one part and return it; None where it could not be made: why is put on record.

        `part` names it for people.

        Raises:
            TryAgain, Stop, OSError: what may come back, or is set up wrongly, is not the part's fault.
        """
        self.beat()
        try:
            return make()
        except (TryAgain, Stop, OSError):
            raise
        except ForewarnError as error:
            self.missing.append(f"{part}: {error}")
        except Exception as error:  # one strange file must not hold up all evidence after it
            log.exception("evidence_part_failed", part=part)
            self.missing.append(f"{part}: {type(error).__name__}: {error}")
        return None

    def write(self, name: str, role: str, content: bytes) -> None:
        """Add a file to the record."""
        self.beat()
        (self.folder / name).write_bytes(content)
        self.roles[name] = role
