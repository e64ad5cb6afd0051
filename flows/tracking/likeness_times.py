"""Decide when somebody's likeness is taken anew: often while they are new, then once in a while.

On fixed grids of time, so that any frame rate gives about the same views, and a replay the same ones.
"""

from __future__ import annotations

FIRST_VIEWS = 5
ENOUGH_VIEWS = 2  # from so many on, somebody may be known by it
_FIRST_CELL_S = 0.5  # each of the first views lies in another cell
_LATER_CELL_S = 10.0  # then there is one in each cell: how somebody looked when they left


def is_due(views: int, last_s: float, at_s: float) -> bool:
    """Tell whether another view counts, after so many of which the last was at `last_s`."""
    if not views:
        return True
    if views < FIRST_VIEWS and _cell(at_s, _FIRST_CELL_S) != _cell(last_s, _FIRST_CELL_S):
        return True
    return _cell(at_s, _LATER_CELL_S) != _cell(last_s, _LATER_CELL_S)


def _cell(at_s: float, length_s: float) -> int:
    return int(at_s / length_s)
