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
from domain.errors import Stop, TryAgain
from domain.evidence import EvidenceRecord

if TYPE_CHECKING:  # LanceDB takes a second to load
    from evidence_store.alike import Match, Vector
    from evidence_store.table import EvidenceTable
    from evidence_store.wanted import Wanted

RECENT = 200  # records offered for picking
_VECTORS: tuple[Vector, ...] = ("embedding", "appearance")
RESULTS = 24  # a screenful; what is less alike than these is not alike


class NoModelServer(TryAgain):
    """The overall look of an upload needs a model server and none is known."""


class RecordGone(TryAgain):
    """The picked record is not in the table."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave."""

    query: EvidenceRecord | None  # None where a picture was uploaded
    matches: tuple[Match, ...]
    is_exact: bool = True  # every record that fits was compared; False: an index was asked
    fitting: int = 0  # records that fit the filters


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
        return table.newest(_wanted(pick), RECENT)

    def similar(self, pick: SearchPick) -> Found:
        """Records that look most like what was picked, or fit its words best, best first.

        Raises:
            BadPicture: the upload cannot be used.
            NoModelServer: an upload or words, and no server to describe them.
            RecordGone: no record has the picked id.
            TryAgain, Stop: the table cannot be read, or the server did not answer.
        """
        table = self._open()
        if pick.text:
            return self._by_words(pick, table) if table else Found(None, ())
        query, vectors = self._describe(pick)
        if table is None:
            return Found(query, ())
        k = RESULTS + 1  # one more, because a record is most like itself
        if pick.by == "both":
            found = table.search_by_both(
                vectors["embedding"], vectors["appearance"], k=k, wanted=_wanted(pick)
            )
        else:
            found = table.search(vectors[pick.by], by=pick.by, k=k, wanted=_wanted(pick))
        matches = [match for match in found.matches if match.record.evidence_id != pick.evidence_id]
        return Found(query, tuple(matches[:RESULTS]), found.is_exact, found.fitting)

    def takes_words(self) -> bool:
        """True where a pair of models for words is installed, and can be used."""
        from models.text_search.install import installed_pair

        try:
            return installed_pair() is not None
        except Stop:
            return False

    def _by_words(self, pick: SearchPick, table: EvidenceTable) -> Found:
        """Records whose picture fits words best.

        Raises:
            NoModelServer: none is known.
            TryAgain, Stop: it did not answer, or has not the pair's models; no pair is installed.
        """
        from evidence_store.picture_vectors import PictureVectors
        from models.serving.client import connect
        from models.text_search.client import MODELS, TextSearch
        from models.text_search.install import need_pair

        installed = need_pair()
        with connect(self._need_server(), shared_memory=False) as connection:
            connection.check_models_ready(MODELS)
            vector = TextSearch(connection, installed).describe_text(pick.text)
        vectors = PictureVectors.open(self._path, installed.pair.pair_id, create=False)
        found = vectors.search(vector, table, k=RESULTS, wanted=_wanted(pick))
        return Found(None, found.matches, found.is_exact, found.fitting)

    def _need_server(self) -> str:
        address = self.model_server()
        if address is None:
            raise NoModelServer(
                f"no model server runs for {self._settings.data.root}; "
                "start `forewarn triton serve`, or give --triton HOST:PORT"
            )
        return address

    def model_server(self) -> str | None:
        """HOST:PORT of the server to ask; None where none is set and none runs here."""
        from models.serving.running import find_running

        return self._settings.triton or find_running(self._settings.data.triton)

    def _describe(self, pick: SearchPick) -> tuple[EvidenceRecord | None, dict[Vector, np.ndarray]]:
        needed: tuple[Vector, ...] = _VECTORS if pick.by == "both" else (pick.by,)
        if pick.upload is not None:
            image_rgb = read_picture(pick.upload, pick.upload_name)
            tell = {"appearance": self._clothes, "embedding": self._embed}
            return None, {by: tell[by](image_rgb) for by in needed}
        table = self._open()
        record = table.get(pick.evidence_id) if table and pick.evidence_id else None
        if record is None:
            raise RecordGone(f"no evidence record {pick.evidence_id} in {self._path}")
        return record, {by: getattr(record, by) for by in needed}

    def _clothes(self, image_rgb: np.ndarray) -> np.ndarray:
        from models.appearance import describe

        return describe(image_rgb)

    def _embed(self, image_rgb: np.ndarray) -> np.ndarray:
        from models.serving.client import Embedder, connect

        with connect(self._need_server(), shared_memory=False) as connection:
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


def _wanted(pick: SearchPick) -> Wanted:
    from evidence_store.wanted import Wanted

    return Wanted(
        camera_id=pick.camera_id,
        rule_id=pick.rule_id,
        outcome=pick.outcome,
        from_at=pick.from_at,
        to_at=pick.to_at,
    )
