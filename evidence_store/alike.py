"""Records that look alike: by one vector, or by whole look and colours together.

The combined score is the mean of both cosines. Neither cosine says how probable it is that two
pictures show one person; they order records, for people who then compare the pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, overload

import numpy as np
import pyarrow as pa

from domain.evidence import EvidenceRecord
from evidence_store.nearest import EXACT_UP_TO_ROWS, Nearest, count_fitting, find_nearest, to_unit
from evidence_store.rows import SCHEMA, VECTOR_SIZES, from_arrow, vector_matrix
from evidence_store.wanted import Wanted

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
    """One record that was found."""

    record: EvidenceRecord
    similarity: float  # cosine in [-1, 1]; for both vectors together: their mean
    cosines: dict[str, float]  # each vector's own
    rank: int  # 1 is most alike; equally similar records share a rank


@dataclass(frozen=True, slots=True)
class Found(Sequence[Match]):
    """What a search gave, best first, and how far it can be trusted."""

    matches: tuple[Match, ...] = ()
    is_exact: bool = True  # every record that fits was compared; False: an index was asked
    fitting: int = 0  # records that fit the facts asked for
    cuts_a_tie: bool = False  # a record that was left out is as similar as the last one shown

    def __len__(self) -> int:
        return len(self.matches)

    @overload
    def __getitem__(self, place: int) -> Match: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Match, ...]: ...
    def __getitem__(self, place: int | slice) -> Match | tuple[Match, ...]:
        return self.matches[place]


def find_alike(
    table: LanceTable | None, vector: np.ndarray, by: Vector, k: int, wanted: Wanted
) -> Found:
    """See EvidenceTable.search."""
    unit = to_unit(vector, VECTOR_SIZES[by], by)
    if table is None or k <= 0:
        return Found()
    # one more, to see whether the last place is shared
    nearest = find_nearest(table, by, unit, wanted, k + 1, SCHEMA.names)
    vectors = vector_matrix(nearest.rows, by, VECTOR_SIZES[by])
    records = from_arrow(nearest.rows)
    scored: list[Scored] = [
        (record, similarity, {str(by): similarity})
        for record, similarity, own in zip(
            records, nearest.similarities.tolist(), vectors, strict=True
        )
        if own.any()
    ]
    return rank(scored, k, nearest.is_exact, nearest.fitting)


def find_alike_by_both(
    table: LanceTable | None,
    embedding: np.ndarray,
    appearance: np.ndarray,
    k: int,
    wanted: Wanted,
) -> Found:
    """See EvidenceTable.search_by_both."""
    units: dict[Vector, np.ndarray] = {
        "embedding": to_unit(embedding, VECTOR_SIZES["embedding"], "embedding"),
        "appearance": to_unit(appearance, VECTOR_SIZES["appearance"], "appearance"),
    }
    if table is None or k <= 0:
        return Found()
    fitting = count_fitting(table, wanted)
    at_most = max(CANDIDATES_AT_LEAST, CANDIDATES_PER_ASKED * k)
    if fitting <= EXACT_UP_TO_ROWS:
        at_most = max(at_most, fitting)
    nearest = [
        find_nearest(table, by, unit, wanted, at_most, SCHEMA.names) for by, unit in units.items()
    ]
    rows = _together(nearest)
    cosines = {by: vector_matrix(rows, by, VECTOR_SIZES[by]) @ unit for by, unit in units.items()}
    has_both = np.logical_and.reduce(
        [vector_matrix(rows, by, VECTOR_SIZES[by]).any(axis=1) for by in units]
    )
    scored: list[Scored] = []
    for number, record in enumerate(from_arrow(rows)):
        if has_both[number]:
            each = {str(by): float(cosines[by][number]) for by in units}
            scored.append((record, sum(_WEIGHTS[by] * each[by] for by in units), each))
    # beyond the candidates a record could still win by being fair in both
    is_exact = all(each.is_exact for each in nearest) and fitting <= at_most
    return rank(scored, k, is_exact, fitting)


def _together(nearest: list[Nearest]) -> pa.Table:
    """Each row once."""
    rows = pa.concat_tables([each.rows for each in nearest])
    seen: dict[str, int] = {}
    for number, evidence_id in enumerate(rows.column("evidence_id").to_pylist()):
        seen.setdefault(evidence_id, number)
    return rows.take(pa.array(list(seen.values()), pa.int64()))


def rank(
    scored: list[Scored],
    k: int,
    is_exact: bool,
    fitting: int,
) -> Found:
    """The k best of what was scored, in order, with their ranks."""
    scored = sorted(scored, key=lambda each: (-each[1], each[0].evidence_id))
    matches: list[Match] = []
    for record, similarity, cosines in scored[:k]:
        is_tie = bool(matches) and abs(matches[-1].similarity - similarity) < SAME_WITHIN
        rank = matches[-1].rank if is_tie else len(matches) + 1
        matches.append(Match(record, similarity, cosines, rank))
    cuts = len(scored) > k and abs(scored[k - 1][1] - scored[k][1]) < SAME_WITHIN
    return Found(tuple(matches), is_exact, fitting, cuts)
