"""Find records that look alike: by one vector, or by whole look and colours together.

The combined score is the mean of both cosines. Neither cosine says how probable it is that two
pictures show one person; they order records, for people who then compare the pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, overload

import numpy as np
import pyarrow as pa

from domain.evidence import EvidenceRecord
from evidence_store.search.filters import RecordFilter
from evidence_store.search.nearest import (
    EXACT_UP_TO_ROWS,
    Nearest,
    count_fitting,
    find_nearest,
)
from evidence_store.search.schema import SCHEMA, VECTOR_SIZES, from_arrow, vector_matrix

if TYPE_CHECKING:
    from lancedb.table import LanceTable

Vector = Literal["embedding", "appearance"]
SAME_WITHIN = 1e-6  # cosines closer than this are the same: single precision says no more
# of each vector's nearest, where not every record can be compared by both
CANDIDATES_AT_LEAST, CANDIDATES_PER_ASKED = 100, 10
# a record, what it is ranked by, and each vector's cosine
Scored = tuple[EvidenceRecord, float, dict[str, float]]
_WEIGHTS: dict[Vector, float] = {"embedding": 0.5, "appearance": 0.5}


class Match(NamedTuple):
    """Record that was found, with its similarity."""

    record: EvidenceRecord
    similarity: float  # cosine in [-1, 1]; for both vectors together: their mean
    cosines: dict[str, float]  # each vector's own
    rank: int  # 1 is most alike; equally similar records share a rank


@dataclass(frozen=True, slots=True)
class SearchResult(Sequence[Match]):
    """Matches of a search, best first, and how far they can be trusted."""

    matches: tuple[Match, ...] = ()
    is_exact: bool = True  # every record that fits was compared; False: an index was asked
    fitting: int = 0  # records that fit the facts asked for
    cuts_a_tie: bool = False  # a record that was left out is as similar as the last one shown
    not_described: int = 0  # others that fit, and that the model has not described: not compared

    def __len__(self) -> int:
        return len(self.matches)

    @overload
    def __getitem__(self, place: int) -> Match: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Match, ...]: ...
    def __getitem__(self, place: int | slice) -> Match | tuple[Match, ...]:
        return self.matches[place]


def find_alike(
    table: LanceTable, unit: np.ndarray, by: Vector, k: int, record_filter: RecordFilter
) -> SearchResult:
    """Find records by one vector, of unit length; see EvidenceTable.search."""
    if k <= 0:
        return SearchResult()
    # one more, to see whether the last place is shared
    nearest = find_nearest(table, by, unit, record_filter, k + 1, SCHEMA.names)
    vectors = vector_matrix(nearest.rows, by, VECTOR_SIZES[by])
    records = from_arrow(nearest.rows)
    scored: list[Scored] = [
        (record, similarity, {str(by): similarity})
        for record, similarity, own in zip(
            records, nearest.similarities.tolist(), vectors, strict=True
        )
        if own.any()
    ]
    return rank_records(scored, k, nearest.is_exact, nearest.fitting)


def find_alike_by_both(
    table: LanceTable,
    units: Mapping[Vector, np.ndarray],
    k: int,
    record_filter: RecordFilter,
) -> SearchResult:
    """Find records by both vectors, of unit length; see EvidenceTable.search_by_both."""
    if k <= 0:
        return SearchResult()
    fitting = count_fitting(table, record_filter)
    at_most = max(CANDIDATES_AT_LEAST, CANDIDATES_PER_ASKED * k)
    if fitting <= EXACT_UP_TO_ROWS:
        at_most = max(at_most, fitting)
    nearest = [
        find_nearest(table, by, unit, record_filter, at_most, SCHEMA.names)
        for by, unit in units.items()
    ]
    rows = _together(nearest)
    cosines = {by: vector_matrix(rows, by, VECTOR_SIZES[by]) @ unit for by, unit in units.items()}
    has_both = np.logical_and.reduce(
        [vector_matrix(rows, by, VECTOR_SIZES[by]).any(axis=1) for by in units]
    )
    scored: list[Scored] = []
    for number, record in enumerate(from_arrow(rows)):
        if has_both[number]:
            own = {str(by): float(cosines[by][number]) for by in units}
            scored.append((record, sum(_WEIGHTS[by] * own[by] for by in units), own))
    # beyond the candidates a record could still win by being fair in both
    is_exact = all(part.is_exact for part in nearest) and fitting <= at_most
    return rank_records(scored, k, is_exact, fitting)


def _together(nearest: list[Nearest]) -> pa.Table:
    """Join the rows that were found, each once."""
    rows = pa.concat_tables([part.rows for part in nearest])
    seen: dict[str, int] = {}
    for number, evidence_id in enumerate(rows.column("evidence_id").to_pylist()):
        seen.setdefault(evidence_id, number)
    return rows.take(pa.array(list(seen.values()), pa.int64()))


def rank_records(scored: list[Scored], k: int, is_exact: bool, fitting: int) -> SearchResult:
    """Order what was scored and return the k best, with their ranks."""
    scored = sorted(scored, key=lambda item: (-item[1], item[0].evidence_id))
    matches: list[Match] = []
    for record, similarity, cosines in scored[:k]:
        is_tie = bool(matches) and abs(matches[-1].similarity - similarity) < SAME_WITHIN
        rank = matches[-1].rank if is_tie else len(matches) + 1
        matches.append(Match(record, similarity, cosines, rank))
    cuts = len(scored) > k and abs(scored[k - 1][1] - scored[k][1]) < SAME_WITHIN
    return SearchResult(tuple(matches), is_exact, fitting, cuts)
