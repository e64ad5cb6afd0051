"""Find evidence whose subject looks like another record, a followed subject, a picture or words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from domain.data_dir import DataDir
from domain.errors import PutAside
from domain.evidence import EvidenceRecord
from evidence_store.media.stills import decode_picture
from evidence_store.search.filters import EVERYTHING, RecordFilter
from evidence_store.search.picture_vectors import PictureVectors, VectorSpace
from evidence_store.search.similarity import SearchResult, Vector
from evidence_store.search.table import EvidenceTable

By = Literal["best", "likeness", "looks", "appearance", "both"]
# by the evidence table's own vectors; "best": by likeness where that is to be had, else as both
VECTORS_OF: dict[By, tuple[Vector, ...]] = {
    "best": ("embedding", "appearance"),
    "looks": ("embedding",),
    "appearance": ("appearance",),
    "both": ("embedding", "appearance"),
}


class QueryEncoder(Protocol):
    """Models that turn what is asked for into vectors; each may raise TryAgain and Stop."""

    def embed(self, picture_rgb: np.ndarray) -> np.ndarray:
        """Describe a subject's whole look: (h, w, 3) uint8 -> (1280,) float32 of unit length."""

    def describe_colours(self, picture_rgb: np.ndarray) -> np.ndarray:
        """Describe a subject's colours, as `EvidenceRecord.appearance` does."""

    def likeness_space(self) -> VectorSpace:
        """Return the id of the likeness model's vectors."""

    def describe_likeness(self, picture_rgb: np.ndarray) -> np.ndarray | None:
        """Describe a person by the likeness model; None: there is none. Unit vector of that space."""

    def describe_text(self, text: str) -> tuple[VectorSpace, np.ndarray]:
        """Return a pair's id and its unit vector of words; raises PutAside if there is no word."""


class Finder:
    """Search one data folder; nothing is written."""

    def __init__(self, data: DataDir, encoder: QueryEncoder, table: EvidenceTable) -> None:
        """Search the folder's table; the encoder is asked only to search for a picture or words."""
        self._data, self._encoder, self.table = data, encoder, table

    def newest(self, record_filter: RecordFilter = EVERYTHING, k: int = 50) -> list[EvidenceRecord]:
        """Return up to `k` records that fit, those that ended last first."""
        return self.table.newest(record_filter, k)

    def like_record(
        self,
        evidence_id: str,
        by: By = "best",
        k: int = 10,
        record_filter: RecordFilter = EVERYTHING,
    ) -> SearchResult:
        """Find records whose subject looks like another record's; that one is found, too.

        Raises:
            PutAside: there is no such record, or it has no picture of its subject.
        """
        record = self.table.get(evidence_id)
        if record is None:
            raise PutAside(
                f"no evidence {evidence_id!r} in {self._data.root}; `forewarn evidence list` "
                "shows the ids"
            )
        return self._search_records(evidence_id, [record], by, k, record_filter)

    def like_track(
        self,
        subject_id: str,
        by: By = "best",
        k: int = 10,
        record_filter: RecordFilter = EVERYTHING,
    ) -> SearchResult:
        """Find records whose subject looks like a subject that was followed ("camera/number").

        It is described by the mean of its own records' vectors.

        Raises:
            PutAside: no record is about it, or none has a picture of it.
        """
        records = self.table.newest(RecordFilter(subject_id=subject_id), 100)
        if not records:
            raise PutAside(
                f"no evidence is about {subject_id!r} in {self._data.root}; "
                "`forewarn evidence list --json` shows each record's subject_id, and who was not "
                "warned has no record"
            )
        return self._search_records(subject_id, records, by, k, record_filter)

    def like_picture(
        self, image: Path, by: By = "best", k: int = 10, record_filter: RecordFilter = EVERYTHING
    ) -> SearchResult:
        """Find records whose subject looks like a picture of somebody, cut out closely.

        Raises:
            PutAside: it cannot be read, or there is no likeness model to search by.
            TryAgain, Stop: no server could describe it ("appearance" needs none).
        """
        try:
            picture = decode_picture(image.read_bytes(), str(image))
        except OSError as error:
            raise PutAside(f"{image}: cannot be read: {error.strerror}") from error
        if by in ("best", "likeness"):
            likeness = self._encoder.describe_likeness(picture)
            if likeness is not None and (by == "likeness" or self._likeness().count()):
                return self._by_likeness(likeness, k, record_filter)
            _check_not_needed(by, str(image))
        describe = {"embedding": self._encoder.embed, "appearance": self._encoder.describe_colours}
        vectors = {name: describe[name](picture) for name in VECTORS_OF[by]}
        return self.table.search_by(vectors, k=k, record_filter=record_filter)

    def like_text(
        self, text: str, k: int = 10, record_filter: RecordFilter = EVERYTHING
    ) -> SearchResult:
        """Find records whose picture fits words best, by the installed pair of models.

        Only records that the pair has described are found: `forewarn evidence describe`.

        Raises:
            PutAside: there is no word in it.
            TryAgain, Stop: no pair is installed, or no server could describe the words.
        """
        pair_id, vector = self._encoder.describe_text(text)
        vectors = PictureVectors.open(self._data.lancedb, pair_id, create=False)
        return vectors.search(vector, self.table, k=k, record_filter=record_filter)

    def _search_records(
        self,
        what: str,
        records: Sequence[EvidenceRecord],
        by: By,
        k: int,
        record_filter: RecordFilter,
    ) -> SearchResult:
        if by in ("best", "likeness"):
            described = self._likeness().vectors_of([record.evidence_id for record in records])
            if described:
                return self._by_likeness(np.mean(described, axis=0), k, record_filter)
            _check_not_needed(by, what)
        vectors: dict[Vector, np.ndarray] = {
            name: np.mean([getattr(record, name) for record in records], axis=0)
            for name in VECTORS_OF[by]
        }
        if not all(vector.any() for vector in vectors.values()):
            raise PutAside(f"{what}: has no picture of its subject to compare with")
        return self.table.search_by(vectors, k=k, record_filter=record_filter)

    def _likeness(self) -> PictureVectors:
        space = self._encoder.likeness_space()
        return PictureVectors.open(self._data.lancedb, space, create=False)

    def _by_likeness(self, vector: np.ndarray, k: int, record_filter: RecordFilter) -> SearchResult:
        space = self._likeness()
        return space.search(vector, self.table, k=k, record_filter=record_filter, by="likeness")


def _check_not_needed(by: By, what: str) -> None:
    """Raise PutAside where likeness was asked for and is not to be had."""
    if by == "likeness":
        raise PutAside(
            f"{what}: is not described by the likeness model; `forewarn models build likeness` and "
            "`forewarn evidence describe` do so, or search with --by both"
        )
