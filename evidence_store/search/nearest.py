"""Find the rows of a table whose vectors lie nearest to a vector: exactly, or by an index.

An index on a million rows looks into the parts of the table where likely neighbours lie. That is
fast, but under a narrow filter it looks in the wrong places (one in 50,000: it found a tenth of
what was there). So the rows that pass the filter are counted first: few are compared one by one,
many are looked up. Rows that are newer than the index are compared one by one in any case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from domain.errors import PutAside
from evidence_store.search.filters import RecordFilter

if TYPE_CHECKING:
    from lancedb.table import LanceTable

# Up to here every row that passes the filter is compared; benchmarks/search_scale.py has the times
EXACT_UP_TO_ROWS = 2_000
# How many parts of the index are looked into (it has one for each 4,096 rows), and how many times
# more candidates than asked for are compared by their full vectors: the index keeps one bit of each
# number, and by those alone a third of the nearest are missed.
PROBES, REFINE = 256, 20


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class Nearest:
    """Rows that lie nearest, best first."""

    rows: pa.Table  # the columns asked for
    similarities: np.ndarray  # (rows,) float64: cosine in [-1, 1]
    is_exact: bool  # every row that passes the filter was compared; False: the index was asked
    fitting: int  # rows that pass the filter, those without a vector included


def find_nearest(
    table: LanceTable,
    column: str,
    unit: np.ndarray,
    record_filter: RecordFilter,
    k: int,
    columns: list[str],
    *,
    always_exact: bool = False,
) -> Nearest:
    """Find the k rows (k >= 1) with the largest cosine among those that pass the filter.

    `unit` and the vectors of `column` are of unit length, or zero where there is none. Equally similar
    rows are ordered by the first of `columns`, which are returned. `always_exact` compares every row,
    however many pass the filter.
    """
    expression = record_filter.expression()
    fitting = count_fitting(table, record_filter)
    is_exact = always_exact or fitting <= EXACT_UP_TO_ROWS or not has_vector_index(table, column)
    # on unit vectors the dot product is the cosine, and for absent (zero) ones it is defined
    query: Any = table.search(unit, vector_column_name=column).distance_type("dot")
    if expression is not None:
        query = query.where(expression, prefilter=True)
    if is_exact:
        query = query.bypass_vector_index()
    else:
        query = query.nprobes(PROBES).refine_factor(REFINE * max(1, 10 // k))
    rows = query.select([*columns, "_distance"]).limit(k).to_arrow()
    similarities = 1.0 - rows.column("_distance").to_numpy().astype(np.float64)
    # equally similar rows stand in the order of their first column, on every run
    ties = np.argsort(np.argsort(np.array(rows.column(columns[0]).to_pylist())))
    order = np.lexsort((ties, -similarities))
    return Nearest(
        rows=rows.select(columns).take(pa.array(order)),
        similarities=similarities[order],
        is_exact=is_exact,
        fitting=fitting,
    )


def count_fitting(table: LanceTable, record_filter: RecordFilter) -> int:
    """Count the rows that pass a filter; about a millisecond where its columns are indexed."""
    expression = record_filter.expression()
    return int(table.count_rows(expression.to_sql() if expression is not None else None))


def has_vector_index(table: LanceTable, column: str) -> bool:
    """Tell whether a vector index on the column is ready."""
    return any(
        index.columns == [column] and str(index.index_type).upper().startswith("IVF")
        for index in table.list_indices()
    )


def to_unit(vector: np.ndarray, size: int, name: str) -> np.ndarray:
    """Scale a vector of `size` numbers to length 1; `name` is for the message.

    Raises:
        PutAside: it has another size, or no direction.
    """
    flat = np.asarray(vector, dtype=np.float32).reshape(-1)
    length = float(np.linalg.norm(flat))
    if flat.shape != (size,) or not np.isfinite(length) or length == 0:
        raise PutAside(
            f"searching by {name} needs {size} finite numbers, not all zero; "
            f"got shape {np.shape(vector)} of length {length}"
        )
    unit: np.ndarray = flat / np.float32(length)
    return unit
