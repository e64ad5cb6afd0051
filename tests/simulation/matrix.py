"""Count in which states of the ladder which program was killed, beside which other fault."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import product

from domain.offence_states import State
from tests.simulation.programs import PROGRAMS

STATES = tuple(state.value for state in State if state not in (State.DROPPED,))
FAULTS = (
    "killed before a write",
    "killed after a write",
    "write torn",
    "disk full",
    "clock ahead",
    "clock back",
    "machine restarted",
    "site edited",
    "camera silent",
    "picture unfit",
    "speaker faulty",
    "mail faulty",
    "models away",
    "command doubled",
    "command late",
    "commands contradict",
)
Cell = tuple[str, str, str]
ORDERED_CELLS: tuple[Cell, ...] = tuple(product(STATES, FAULTS, PROGRAMS))
CELLS: frozenset[Cell] = frozenset(ORDERED_CELLS)
FRESH_S = 10.0  # so long after it a fault still counts as present


class Matrix:
    """The cells that were hit."""

    def __init__(self) -> None:
        self.hit: set[Cell] = set()

    def missed(self, chance: random.Random, most: int) -> list[int]:
        """Draw some numbers of cells that were not hit, to aim at."""
        left = [number for number, cell in enumerate(ORDERED_CELLS) if cell not in self.hit]
        return chance.sample(left, min(most, len(left)))

    def note(self, states: Iterable[str], faults: Iterable[str], program: str) -> None:
        """Note that a program was killed."""
        self.hit |= set(product(states, faults, (program,))) & CELLS

    def lines(self) -> list[str]:
        """Return one line a fault: of all states and programs, how many were hit; then what was not."""
        lines = []
        for fault in FAULTS:
            cells = {cell for cell in CELLS if cell[1] == fault}
            left = sorted(f"{state}/{program}" for state, _, program in cells - self.hit)
            more = f"  not: {', '.join(left[:4])}{' …' if len(left) > 4 else ''}" if left else ""
            lines.append(f"{fault:24} {len(cells & self.hit):3} of {len(cells)}{more}")
        lines.append(f"{'cells hit':24} {len(self.hit):3} of {len(CELLS)}")
        return lines
