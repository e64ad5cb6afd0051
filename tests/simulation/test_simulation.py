"""Simulated lives: whatever goes wrong in them, what the system promises is kept.

FOREWARN_SIMULATE_S sets for how long; where it is not set, 8 s and at most seven lives. `make simulate SECONDS=…` lives on, and says how to
keep what it finds.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.simulation.__main__ import live_for
from tests.simulation.plan import Plan, Step, make_plan, shorten
from tests.simulation.world import live_through

FOUND = sorted((Path(__file__).parent / "found").glob("*.json"))
SECONDS = float(os.environ.get("FOREWARN_SIMULATE_S", "8"))
MOST_LIVES = 1_000_000 if "FOREWARN_SIMULATE_S" in os.environ else 7

pytestmark = pytest.mark.slow(file_takes_s=SECONDS + 10)


def test_whatever_goes_wrong_nothing_is_lost_doubled_or_left_open() -> None:
    lived = live_for(SECONDS, seed=1, stride=1, most_failures=1, most_lives=MOST_LIVES)
    assert lived.failed == []
    assert lived.offences > lived.lives, "something happened in them"


@pytest.mark.parametrize("found", FOUND, ids=lambda path: path.stem)
def test_a_life_that_once_failed_is_lived_through(found: Path) -> None:
    live_through(Plan.from_json(found.read_text("utf-8")))


def test_a_life_is_made_shorter_by_what_it_fails_without() -> None:
    plan = Plan(1, tuple(Step(number, "come", number) for number in range(40)))

    def fails(less: Plan) -> bool:
        return {7, 23} <= {step.a for step in less.steps}

    short = shorten(plan, fails)
    assert [step.a for step in short.steps] == [7, 23]
    assert Plan.from_json(short.to_json()) == short


def test_the_same_seed_lives_the_same_life() -> None:
    plan = make_plan(4, length=30)
    one, other = (list(live_through(plan).model.events) for _ in range(2))
    assert one == other and len(one) > 10
