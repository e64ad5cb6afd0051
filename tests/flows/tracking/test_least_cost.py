"""SciPy's assignment, loaded by itself."""

from __future__ import annotations

import subprocess
import sys
from itertools import permutations

import numpy as np
import pytest

from flows.tracking.least_cost import linear_sum_assignment


@pytest.mark.parametrize("seed", range(20))
def test_no_other_pairs_cost_less(seed: int) -> None:
    random = np.random.default_rng(seed)
    costs = random.random((3, 5))
    for given in (costs, costs.T):
        rows, columns = linear_sum_assignment(given)
        assert len(set(rows)) == len(set(columns)) == 3
        least = min(costs[range(3), each].sum() for each in permutations(range(5), 3))
        assert given[rows, columns].sum() == pytest.approx(least)


def test_the_rest_of_scipy_is_not_imported() -> None:
    """It took two thirds of a second and 30 MB of every watch program."""
    look = "import sys, flows.tracking.matching; sys.exit('scipy.optimize' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0
