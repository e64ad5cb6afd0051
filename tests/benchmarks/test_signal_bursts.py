"""No burst of signals hangs a program; `make chaos` makes 2,000 rounds of it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks.chaos.scene import footage
from benchmarks.signal_bursts import PROGRAMS, at_programs, forked

pytestmark = pytest.mark.long


def test_194_processes_that_wait_or_compute_all_end_in_order() -> None:
    assert forked(194, seed=3) == {"0": 194}


@pytest.mark.triton
def test_every_program_ends_in_order_when_a_burst_comes(
    tmp_path: Path, triton_address: str
) -> None:
    with footage(tmp_path, triton_address, brief=True) as scene:
        ended = list(at_programs(scene, tmp_path, 1, random.Random(4)))
    assert [each.name for each in ended] == list(PROGRAMS)
    assert [(each.name, each.code, each.output) for each in ended if each.is_fault] == []
