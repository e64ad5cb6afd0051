"""Live through simulated lives for some seconds: `python -m tests.simulation --seconds 60`.

A life that fails is made as short as it can be and printed, with its seed; put into `found/` as a file, it is
lived through by the normal suite from then on. Exit code 1 where one fails.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.simulation.matrix import Cell, Matrix
from tests.simulation.plan import Plan, make_plan, shorten
from tests.simulation.world import live_through

MOST_AIMS = 30  # of a life


@dataclass
class Lived:
    """What came of some lives."""

    lives: int = 0
    offences: int = 0
    cpu_s: float = 0.0
    told: Counter[str] = field(default_factory=Counter)
    hit: set[Cell] = field(default_factory=set)
    failed: list[tuple[Plan, str]] = field(default_factory=list)  # what was wrong


def live_for(
    seconds: float, seed: int, stride: int, most_failures: int = 20, most_lives: int = 1 << 30
) -> Lived:
    """Live through seed, seed + stride, ... until the time is over, or there were enough."""
    lived, matrix, until_s = Lived(), Matrix(), time.monotonic() + seconds
    # what was imported stays: looking through it again and again for garbage costs more than it finds
    gc.freeze()
    began_s = time.process_time()
    while time.monotonic() < until_s and len(lived.failed) < most_failures:
        if lived.lives >= most_lives:
            break
        # towards what no life has come across yet
        plan = make_plan(seed, aims=matrix.missed(random.Random(seed), MOST_AIMS))
        try:
            world = live_through(plan, matrix)
        except Exception as error:
            lived.failed.append((plan, reason_of(error)))
        else:
            lived.offences += world.offences
            lived.told.update(world.model.counts)
        lived.lives += 1
        seed += stride
    lived.cpu_s, lived.hit = time.process_time() - began_s, matrix.hit
    return lived


def reason_of(error: Exception) -> str:
    """Say in one line what went wrong, and where it was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({last.name}, line {last.lineno})"[:300]


def fails(plan: Plan) -> str:
    """Return what goes wrong in a life, "" if nothing does."""
    try:
        live_through(plan)
    except Exception as error:
        return reason_of(error)
    return ""


def shortest(plan: Plan, tries: int) -> Plan:
    """Return a life without the steps that it fails without."""
    kind = fails(plan).split(":")[0]
    return shorten(plan, lambda less: fails(less).split(":")[0] == kind, tries)


def main() -> int:
    """Print what was lived through; return the exit code."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=float, default=60.0)
    asked.add_argument(
        "--seed", type=int, default=None, help="of the first life; else by the clock"
    )
    asked.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked.add_argument("--tries", type=int, default=150, help="to make a failing life shorter")
    given = asked.parse_args()
    seed = int(time.time()) * 1000 if given.seed is None else given.seed
    with ProcessPoolExecutor(given.workers) as pool:
        parts = [
            pool.submit(live_for, given.seconds, seed + worker, given.workers)
            for worker in range(given.workers)
        ]
        lived = [part.result() for part in parts]
    matrix, told = Matrix(), Counter[str]()
    for each in lived:
        matrix.hit |= each.hit
        told.update(each.told)
    failed = [pair for each in lived for pair in each.failed]
    offences, cpu_s = sum(each.offences for each in lived), sum(each.cpu_s for each in lived)
    lives = sum(each.lives for each in lived)
    print(f"seeds from {seed}: {lives} lives, {offences} offences, {cpu_s:.0f} s of CPU, ", end="")
    print(f"{60 * offences / max(cpu_s, 0.001):.0f} offences a CPU minute")
    print("\n".join(matrix.lines()))
    print(", ".join(f"{kind.removeprefix('forewarn.')} {n}" for kind, n in told.most_common()))
    print(f"violations: {len(failed)}")
    for number, (plan, why) in enumerate(failed):
        print(f"seed {plan.seed}: {why}")
        if number < 3:
            print(shortest(plan, given.tries).to_json())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
