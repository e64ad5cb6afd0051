"""Search evidence from the command line or a notebook, with the models that Triton serves.

>>> from domain.data_dir import DataDir
>>> from forewarn.evidence.find import open_finder                        # doctest: +SKIP
>>> finder = open_finder(DataDir(Path("var/demo")))                       # doctest: +SKIP
>>> result = finder.like_record("evd-0123456789abcdef", k=5)   # doctest: +SKIP
>>> [(match.rank, match.record.evidence_id) for match in result.matches]  # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.data_dir import DataDir
from evidence_store.search.finder import Finder
from evidence_store.search.picture_vectors import VectorSpace
from evidence_store.table_of_vault import open_evidence_table
from forewarn.programs.triton import serving


def open_finder(data: DataDir, triton: str | None = None) -> Finder:
    """Open a data folder for searches.

    `triton` is HOST:PORT of the server that describes pictures and texts; None: the one that runs for the
    folder, else one that is started for each question.
    """
    return Finder(data, TritonEncoder(data, triton), open_evidence_table(data))


@dataclass(frozen=True, slots=True)
class TritonEncoder:
    """Describe what is asked for by models; see `QueryEncoder`."""

    data: DataDir
    triton: str | None

    def embed(self, picture_rgb: np.ndarray) -> np.ndarray:
        """See QueryEncoder."""
        from models.serving.client import Embedder, connect

        with serving(self.triton, self.data) as server, connect(server.address) as connection:
            embedded: np.ndarray = Embedder(connection).embed([picture_rgb])[0]
            return embedded

    def describe_colours(self, picture_rgb: np.ndarray) -> np.ndarray:
        """See QueryEncoder; needs no server."""
        from models.appearance import describe

        return describe(picture_rgb)

    def likeness_space(self) -> VectorSpace:
        """See QueryEncoder."""
        from models.likeness.space import likeness_space

        return likeness_space()

    def describe_likeness(self, picture_rgb: np.ndarray) -> np.ndarray | None:
        """See QueryEncoder."""
        from models.serving.client import connect, find_likeness

        with serving(self.triton, self.data) as server, connect(server.address) as connection:
            encoder = find_likeness(connection)
            return None if encoder is None else encoder.describe([picture_rgb])[0]

    def describe_text(self, text: str) -> tuple[VectorSpace, np.ndarray]:
        """See QueryEncoder.

        Raises:
            TryAgain, Stop: no pair is installed, or no server could describe the words.
        """
        from models.serving.client import connect
        from models.text_search.client import MODELS, TextSearch
        from models.text_search.installed import need_pair

        installed = need_pair()
        with serving(self.triton, self.data) as server, connect(server.address) as connection:
            connection.check_models_ready(MODELS)
            return installed.pair.pair_id, TextSearch(connection, installed).describe_text(text)
