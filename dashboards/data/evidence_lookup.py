"""Find evidence for the search page; every call blocks, so pages call from a thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dashboards.data.uploaded_picture import read_picture
from dashboards.selections import Likeness, SearchSelection
from dashboards.settings import ConsoleSettings
from domain.errors import Stop, TryAgain
from domain.evidence import EvidenceRecord
from evidence_store.search.filters import RecordFilter
from evidence_store.search.similarity import Match, SearchResult, Vector
from evidence_store.search.table import EvidenceTable
from evidence_store.table_of_vault import open_evidence_table

RECENT = 200  # records offered for picking
_VECTORS_OF: dict[Likeness, tuple[Vector, ...]] = {
    "best": ("appearance",),  # without the likeness model: needs no server
    "embedding": ("embedding",),
    "appearance": ("appearance",),
    "both": ("embedding", "appearance"),
}
RESULTS = 24  # a screenful; what is less alike than these is not alike


class NoModelServer(TryAgain):
    """The overall look of an upload needs a model server and none is known."""


class RecordGone(TryAgain):
    """The picked record is not in the table."""


@dataclass(frozen=True, slots=True)
class EvidenceFound:
    """The records that a search found."""

    query: EvidenceRecord | None  # None where a picture was uploaded
    matches: tuple[Match, ...]
    is_exact: bool = True  # every record that fits was compared; False: an index was asked
    fitting: int = 0  # records that fit the filters
    by_likeness: bool = False  # the likeness model's vectors were compared
    not_described: int = 0  # others that fit, and have no such vector


class EvidenceLookup:
    """The evidence table and, where one runs, the embedder; safe for several threads."""

    def __init__(self, settings: ConsoleSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._table: EvidenceTable | None = None

    def recent(
        self, selection: SearchSelection, limit: int = RECENT, zone_id: str | None = None
    ) -> list[EvidenceRecord]:
        """Load the newest records that pass the selection's filters; may raise TryAgain and Stop."""
        table = self._open()
        if table is None:
            return []
        return table.newest(replace(_filter_of(selection), zone_id=zone_id), limit)

    def record(self, evidence_id: str) -> EvidenceRecord | None:
        """Read one record's row; None where it has none; may raise TryAgain and Stop."""
        table = self._open()
        return table.get(evidence_id) if table else None

    def beside(self, record: EvidenceRecord) -> tuple[str, str]:
        """Return the ids of the next older and the next newer record; "" where there is none."""
        table = self._open()
        return table.beside(record) if table else ("", "")

    def similar(self, selection: SearchSelection) -> EvidenceFound:
        """Find records that look most like what was picked, or fit its words best; best first.

        Raises:
            BadPicture: the upload cannot be used.
            NoModelServer: an upload or words, and no server to describe them.
            RecordGone: no record has the picked id.
            TryAgain, Stop: the table cannot be read, or the server did not answer.
        """
        table = self._open()
        if selection.text:
            return self._by_words(selection, table) if table else EvidenceFound(None, ())
        image_rgb, query = self._query(selection)
        if table is None:
            self._describe(selection, image_rgb, query)  # what cannot be compared is said at once
            return EvidenceFound(query, ())
        k = RESULTS + 1  # one more, because a record is most like itself
        facts = _filter_of(selection)
        by_likeness = None
        if selection.by == "best":
            by_likeness = self._by_likeness(image_rgb, query, table, k, facts)
        found = by_likeness
        if found is None:
            vectors = self._describe(selection, image_rgb, query)
            found = table.search_by(vectors, k=k, record_filter=facts)
        matches = [
            match for match in found.matches if match.record.evidence_id != selection.evidence_id
        ]
        return EvidenceFound(
            query,
            tuple(matches[:RESULTS]),
            found.is_exact,
            found.fitting,
            by_likeness is not None,
            found.not_described,
        )

    def _by_likeness(
        self,
        image_rgb: np.ndarray | None,
        query: EvidenceRecord | None,
        table: EvidenceTable,
        k: int,
        facts: RecordFilter,
    ) -> SearchResult | None:
        """Search by the likeness model; None: what is compared with, or all else, is not described by it."""
        from evidence_store.search.picture_vectors import PictureVectors
        from models.likeness.space import likeness_space

        space = PictureVectors.open(self._path, likeness_space(), create=False)
        if not space.count():
            return None
        if image_rgb is not None:
            vector = self._likeness_of(image_rgb)
        else:
            vector = next(iter(space.vectors_of([query.evidence_id] if query else [])), None)
        if vector is None:
            return None
        return space.search(vector, table, k=k, record_filter=facts, by="likeness")

    def _likeness_of(self, image_rgb: np.ndarray) -> np.ndarray | None:
        from models.serving.client import connect, find_likeness

        address = self.model_server()
        if address is None:
            return None
        with connect(address, shared_memory=False) as connection:
            encoder = find_likeness(connection)
            return None if encoder is None else encoder.describe([image_rgb])[0]

    def takes_words(self) -> bool:
        """Tell whether a pair of models for words is installed, and can be used."""
        from models.text_search.installed import installed_pair

        try:
            return installed_pair() is not None
        except Stop:
            return False

    def _by_words(self, selection: SearchSelection, table: EvidenceTable) -> EvidenceFound:
        """Find records whose picture fits words best.

        Raises:
            NoModelServer: none is known.
            TryAgain, Stop: it did not answer, or has not the pair's models; no pair is installed.
        """
        from evidence_store.search.picture_vectors import PictureVectors
        from models.serving.client import connect
        from models.text_search.client import MODELS, TextSearch
        from models.text_search.installed import need_pair

        installed = need_pair()
        with connect(self._need_server(), shared_memory=False) as connection:
            connection.check_models_ready(MODELS)
            vector = TextSearch(connection, installed).describe_text(selection.text)
        vectors = PictureVectors.open(self._path, installed.pair.pair_id, create=False)
        found = vectors.search(vector, table, k=RESULTS, record_filter=_filter_of(selection))
        return EvidenceFound(None, found.matches, found.is_exact, found.fitting)

    def _need_server(self) -> str:
        address = self.model_server()
        if address is None:
            raise NoModelServer(
                f"no model server runs for {self._settings.data.root}; "
                "start `forewarn triton serve`, or give --triton HOST:PORT"
            )
        return address

    def model_server(self) -> str | None:
        """Return HOST:PORT of the server to ask; None where none is set and none runs here."""
        from models.serving.running import find_running

        return self._settings.triton or find_running(self._settings.data.triton)

    def _query(self, selection: SearchSelection) -> tuple[np.ndarray | None, EvidenceRecord | None]:
        """Return the uploaded picture, or the picked record."""
        if selection.upload is not None:
            return read_picture(selection.upload, selection.upload_name), None
        table = self._open()
        record = table.get(selection.evidence_id) if table and selection.evidence_id else None
        if record is None:
            raise RecordGone(f"no evidence record {selection.evidence_id} in {self._path}")
        return None, record

    def _describe(
        self,
        selection: SearchSelection,
        image_rgb: np.ndarray | None,
        query: EvidenceRecord | None,
    ) -> dict[Vector, np.ndarray]:
        needed = _VECTORS_OF[selection.by]
        if image_rgb is None:
            return {by: getattr(query, by) for by in needed}
        describe = {"appearance": self._clothes, "embedding": self._embed}
        return {by: describe[by](image_rgb) for by in needed}

    def _clothes(self, image_rgb: np.ndarray) -> np.ndarray:
        from models.appearance import describe

        return describe(image_rgb)

    def _embed(self, image_rgb: np.ndarray) -> np.ndarray:
        from models.serving.client import Embedder, connect

        with connect(self._need_server(), shared_memory=False) as connection:
            vector: np.ndarray = Embedder(connection).embed([image_rgb])[0]
        return vector

    def _open(self) -> EvidenceTable | None:
        """Open the table; None while nothing has been sealed yet."""
        with self._lock:
            if self._table is None:
                table = open_evidence_table(self._settings.data)
                self._table = table if table.lance is not None else None
            return self._table

    @property
    def _path(self) -> Path:
        return self._settings.data.lancedb


def _filter_of(selection: SearchSelection) -> RecordFilter:

    return RecordFilter(
        camera_id=selection.camera_id,
        rule_id=selection.rule_id,
        outcome=selection.outcome,
        from_at=selection.from_at,
        to_at=selection.to_at,
    )
