"""Find evidence for the search page. Every call blocks: pages call it from a thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dashboards.picks import SearchPick
from dashboards.picture import read_picture
from dashboards.settings import ConsoleSettings
from domain.errors import TryAgain
from domain.evidence import EvidenceRecord

if TYPE_CHECKING:
    from evidence_store.table import EvidenceTable

RECENT = 200  # records offered for picking
RESULTS = 24  # a screenful; what is less alike than these is not alike


class NoModelServer(TryAgain):
    """The overall look of an upload needs a model server and none is known."""


class RecordGone(TryAgain):
    """The picked record is not in the table."""


@dataclass(frozen=True, slots=True)
class Match:
    """One record that was found."""

    record: EvidenceRecord
    similarity: float  # cosine, in [-1, 1]; 1: the same picture


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave."""

    query: EvidenceRecord | None  # None where a picture was uploaded
    matches: tuple[Match, ...]


class EvidenceLookup:
    """The evidence table and, where one runs, the embedder; safe for several threads."""

    def __init__(self, settings: ConsoleSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._table: EvidenceTable | None = None

    def recent(self, pick: SearchPick) -> list[EvidenceRecord]:
        """Newest records that the pick's filters let through.

        Raises:
            TryAgain, Stop: the table cannot be read.
        """
        table = self._open()
        if table is None:
            return []
        return table.list(
            camera_id=pick.camera_id, rule_id=pick.rule_id, outcome=pick.outcome, limit=RECENT
        )

    def similar(self, pick: SearchPick) -> Found:
        """Records that look most like what was picked, best first.

        Raises:
            BadPicture: the upload cannot be used.
            NoModelServer: an upload, and no server to describe it.
            RecordGone: no record has the picked id.
            TryAgain, Stop: the table cannot be read, or the server did not answer.
        """
        query, vector = self._describe(pick)
        table = self._open()
        if table is None:
            return Found(query, ())
        pairs = table.search(
            vector,
            by=pick.by,
            k=RESULTS + 1,  # one more, because a record is most like itself
            camera_id=pick.camera_id,
            rule_id=pick.rule_id,
            outcome=pick.outcome,
        )
        matches = [
            Match(record, similarity)
            for record, similarity in pairs
            if record.evidence_id != pick.evidence_id
        ]
        return Found(query, tuple(matches[:RESULTS]))

    def model_server(self) -> str | None:
        """HOST:PORT of the server to ask; None where none is set and none runs here."""
        from models.serving.running import find_running

        return self._settings.triton or find_running(self._settings.data.triton)

    def _describe(self, pick: SearchPick) -> tuple[EvidenceRecord | None, np.ndarray]:
        if pick.upload is not None:
            image_rgb = read_picture(pick.upload, pick.upload_name)
            return None, self._clothes(image_rgb) if pick.by == "appearance" else self._embed(
                image_rgb
            )
        table = self._open()
        record = table.get(pick.evidence_id) if table and pick.evidence_id else None
        if record is None:
            raise RecordGone(f"no evidence record {pick.evidence_id} in {self._path}")
        return record, getattr(record, pick.by)

    def _clothes(self, image_rgb: np.ndarray) -> np.ndarray:
        from models.appearance import describe

        return describe(image_rgb)

    def _embed(self, image_rgb: np.ndarray) -> np.ndarray:
        address = self.model_server()
        if address is None:
            raise NoModelServer(
                f"no model server runs for {self._settings.data.root}; "
                "start `forewarn triton serve`, or give --triton HOST:PORT"
            )
        from models.serving.client import Embedder, connect

        with connect(address, shared_memory=False) as connection:
            vector: np.ndarray = Embedder(connection).embed([image_rgb])[0]
        return vector

    def _open(self) -> EvidenceTable | None:
        """The table; None while nothing has been sealed yet."""
        from evidence_store.table import TABLE_NAME, EvidenceTable

        with self._lock:
            if self._table is None and (self._path / f"{TABLE_NAME}.lance").exists():
                self._table = EvidenceTable.open(self._path, create=False)
            return self._table

    @property
    def _path(self) -> Path:
        return self._settings.data.lancedb
