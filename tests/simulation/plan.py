"""Write down what happens in one simulated life, so that it can be played again and made shorter."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain

# what may happen, and how often of a thousand
CHANCES: dict[str, int] = {
    "come": 260,
    "leave": 140,
    "step out": 40,
    "step in": 40,
    "hide": 40,
    "come out": 50,
    "renumber": 15,
    "swap": 15,
    "recognise": 20,
    "silence": 15,
    "picture": 25,
    "command": 90,
    "double": 25,
    "contradict": 25,
    "kill": 100,
    "torn": 25,
    "freeze": 20,
    "full": 15,
    "set clock": 20,
    "machine": 10,
    "edit": 20,
    "speaker": 25,
    "mail": 25,
    "models": 15,
}
LONGEST_GAP = 12  # ticks between two happenings


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens; what its numbers mean, `world.py` says."""

    gap: int  # ticks after the one before
    kind: str
    a: int = 0
    b: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole life: which site, what the devices answer, and what happens."""

    seed: int
    steps: tuple[Step, ...]

    def to_json(self) -> str:
        """Spell it as one line."""
        return json.dumps(
            {"seed": self.seed, "steps": [list(asdict(s).values()) for s in self.steps]}
        )

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read what `to_json` wrote."""
        read = json.loads(text)
        return cls(read["seed"], tuple(Step(*each) for each in read["steps"]))


def make_plan(seed: int, length: int = 90, aims: Sequence[int] = ()) -> Plan:
    """Draw a life by chance; the same seed and aims (numbers of the matrix's cells) give the same life."""
    chance = random.Random(seed)
    kinds = chance.choices(list(CHANCES), list(CHANCES.values()), k=length)
    steps = tuple(
        Step(
            chance.choice((0, 0, 1, 1, 2, 3, 5, LONGEST_GAP)),
            kind,
            chance.randrange(1 << 16),
            chance.randrange(1 << 16),
        )
        for kind in kinds
    )
    # all along the life, so that not all wait for the same moment
    every = max(length // (len(aims) + 1), 1)
    aimed = {
        every * row: Step(0, "aim", aim, chance.randrange(1 << 16)) for row, aim in enumerate(aims)
    }
    both = [[aimed[row], step] if row in aimed else [step] for row, step in enumerate(steps)]
    return Plan(seed, tuple(chain.from_iterable(both)))


def shorten(plan: Plan, fails: Callable[[Plan], bool], most_tries: int = 400) -> Plan:
    """Leave out steps as long as it still fails: halves first, then ever smaller parts."""
    tries, size = 0, max(len(plan.steps) // 2, 1)
    while size >= 1 and tries < most_tries:
        start, was_shortened = 0, False
        while start < len(plan.steps) and tries < most_tries:
            less = replace(plan, steps=plan.steps[:start] + plan.steps[start + size :])
            tries += 1
            if fails(less):
                plan, was_shortened = less, True
            else:
                start += size
        if size == 1 and not was_shortened:
            break
        size = size if was_shortened and size == 1 else size // 2
    return plan
