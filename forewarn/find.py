"""Find evidence that looks like something: for the command line and for notebooks.

>>> from domain.data_dir import DataDir
>>> from forewarn.find import Finder                              # doctest: +SKIP
>>> finder = Finder(DataDir(Path("var/demo")))                    # doctest: +SKIP
>>> found = finder.like_record("evd-0123456789abcdef", by="both", k=5)   # doctest: +SKIP
>>> [(each.rank, each.record.evidence_id, each.similarity) for each in found.matches]  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from domain.data_dir import DataDir
from domain.errors import PutAside
from domain.evidence import EvidenceRecord
from evidence_store.alike import Found
from evidence_store.picture_vectors import PictureVectors
from evidence_store.stills import decode_picture
from evidence_store.table import EvidenceTable
from evidence_store.wanted import EVERYTHING, Wanted
from forewarn.serving import serving

By = Literal["looks", "appearance", "both"]


class Finder:
    """Searches of one data folder; nothing is written."""

    def __init__(self, data: DataDir, triton: str | None = None) -> None:
        """Args:
        triton: HOST:PORT of the server that describes pictures and texts; None: the one that
            runs for the data folder, else one that is started for the question.
        """
        self._data, self._triton = data, triton
        self.table = EvidenceTable.open(data.lancedb, create=False)

    def newest(self, wanted: Wanted = EVERYTHING, k: int = 50) -> list[EvidenceRecord]:
        """Records that fit, those that ended last first."""
        return self.table.newest(wanted, k)

    def like_record(
        self, evidence_id: str, by: By = "both", k: int = 10, wanted: Wanted = EVERYTHING
    ) -> Found:
        """Records whose subject looks like another record's; that one is found, too.

        Raises:
            PutAside: there is no such record, or it has no picture of its subject.
        """
        record = self.table.get(evidence_id)
        if record is None:
            raise PutAside(
                f"no evidence {evidence_id!r} in {self._data.root}; `forewarn evidence list` "
                "shows the ids"
            )
        return self._search(evidence_id, [record], by, k, wanted)

    def like_track(
        self, subject_id: str, by: By = "both", k: int = 10, wanted: Wanted = EVERYTHING
    ) -> Found:
        """Records whose subject looks like a subject that was followed ("camera/number").

        It is described by the mean of its own records' vectors.

        Raises:
            PutAside: no record is about it, or none has a picture of it.
        """
        records = self.table.newest(Wanted(subject_id=subject_id), 100)
        if not records:
            raise PutAside(
                f"no evidence is about {subject_id!r} in {self._data.root}; "
                "`forewarn evidence list --json` shows each record's subject_id, and who was not "
                "warned has no record"
            )
        return self._search(subject_id, records, by, k, wanted)

    def like_picture(
        self, image: Path, by: By = "both", k: int = 10, wanted: Wanted = EVERYTHING
    ) -> Found:
        """Records whose subject looks like a picture of somebody, cut out closely.

        Raises:
            PutAside: it cannot be read.
            TryAgain, Stop: no server could describe it ("appearance" needs none).
        """
        try:
            picture = decode_picture(image.read_bytes(), str(image))
        except OSError as error:
            raise PutAside(f"{image}: cannot be read: {error.strerror}") from error
        if by == "appearance":
            return self.table.search(_colours(picture), by="appearance", k=k, wanted=wanted)
        embedding = self._embed(picture)
        if by == "looks":
            return self.table.search(embedding, k=k, wanted=wanted)
        return self.table.search_by_both(embedding, _colours(picture), k=k, wanted=wanted)

    def like_text(self, text: str, k: int = 10, wanted: Wanted = EVERYTHING) -> Found:
        """Records whose picture fits words best, by the installed pair of models.

        Only records that the pair has described are found: `forewarn evidence describe`.

        Raises:
            PutAside: there is no word in it.
            TryAgain, Stop: no pair is installed, or no server could describe the words.
        """
        from models.serving.client import connect
        from models.text_search.client import MODELS, TextSearch
        from models.text_search.install import need_pair

        installed = need_pair()
        with serving(self._triton, self._data) as server, connect(server.address) as connection:
            connection.check_models_ready(MODELS)
            vector = TextSearch(connection, installed).describe_text(text)
        vectors = PictureVectors.open(self._data.lancedb, installed.pair.pair_id, create=False)
        return vectors.search(vector, self.table, k=k, wanted=wanted)

    def _search(
        self, what: str, records: Sequence[EvidenceRecord], by: By, k: int, wanted: Wanted
    ) -> Found:
        embedding = np.mean([each.embedding for each in records], axis=0)
        appearance = np.mean([each.appearance for each in records], axis=0)
        needed = {"looks": [embedding], "appearance": [appearance]}.get(by, [embedding, appearance])
        if not all(vector.any() for vector in needed):
            raise PutAside(f"{what}: has no picture of its subject to compare with")
        if by == "both":
            return self.table.search_by_both(embedding, appearance, k=k, wanted=wanted)
        if by == "looks":
            return self.table.search(embedding, k=k, wanted=wanted)
        return self.table.search(appearance, by="appearance", k=k, wanted=wanted)

    def _embed(self, picture: np.ndarray) -> np.ndarray:
        from models.serving.client import Embedder, connect

        with serving(self._triton, self._data) as server, connect(server.address) as connection:
            embedded: np.ndarray = Embedder(connection).embed([picture])[0]
            return embedded


def _colours(picture: np.ndarray) -> np.ndarray:
    from models.appearance import describe

    return describe(picture)
