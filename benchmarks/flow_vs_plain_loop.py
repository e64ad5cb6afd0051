"""The whole watch flow beside the loop that one would write first, by the clock on the wall.

The loop (benchmarks/plain_loop.py) decodes with OpenCV, calls the same graph once for each frame
and tracks with the same tracker. It records nothing and remembers nothing; the flow keeps its
recovery store and its event log. Its faster way of shrinking counts, though it sees a few percent
other people; with the flow's own way, run once as a check, the two agree.
"""

from __future__ import annotations

import sys

from benchmarks.results import Result, Tell, quiet
from benchmarks.side_by_side import Other, compare

NAME = "flow_vs_plain_loop"
ROUNDS, LONG_ROUNDS = 3, 9


def measure(*, long: bool = False, tell: Tell = quiet) -> Result:
    """Measure; raises WrongOutputs where one of the two did not see the same people, TryAgain on a machine
    that is too busy."""
    loop = Other("the plain loop", sys.executable, "benchmarks.plain_loop", {})
    return compare(NAME, loop, LONG_ROUNDS if long else ROUNDS, tell)
