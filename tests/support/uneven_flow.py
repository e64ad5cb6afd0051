"""A flow of two sources, with slow work behind the first, whose process sets its own clock back.

`python uneven_flow.py TIMES` prints after how many of the settings a source stood still. With `apart` as a
second word the sources are two of the flow's, not partitions of one.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main
from bytewax.testing import TestingSink
from clock_shim import set_shift

from flows.sources.side_by_side import SideBySide
from flows.waking import AT_ONCE

EPOCH = timedelta(seconds=0.3)
SOURCES = ("frames", "commands")
WORK_S, SAVING_S = 0.02, 0.2
ASLEEP_AFTER_S = 20.0
ROUNDS = 5
rounds = dict.fromkeys(SOURCES, 0)


@dataclass
class _Part(StatefulSourcePartition[str, Any]):
    name: str

    def next_batch(self) -> list[str]:
        rounds[self.name] += 1
        return [self.name]

    def next_awake(self) -> datetime:
        return AT_ONCE

    def snapshot(self) -> Any:
        time.sleep(SAVING_S)  # between the end of this part's epoch and that of the other's


@dataclass
class Rounds(FixedPartitionedSource[str, Any]):
    """Counts how often it is asked."""

    name: str

    def list_parts(self) -> list[str]:
        return [self.name]

    def build_part(self, step_id: str, for_part: str, resume_state: Any) -> _Part:
        return _Part(self.name)


def flow(*, apart: bool) -> Dataflow:
    """Read both, as one source or as two."""
    made, sources = Dataflow("uneven"), [Rounds(name) for name in SOURCES]
    first = op.input("given", made, sources[0] if apart else SideBySide(sources))
    worked = op.filter_map("work", first, _work)
    second = op.input("more", made, sources[1]) if apart else first
    op.output("out", op.merge("both", worked, second), TestingSink([]))
    return made


def _work(item: str) -> str | None:
    if item != SOURCES[0]:
        return None
    time.sleep(WORK_S)
    return item


def set_back(times: int) -> None:
    """Set the clock back again and again, at any moment of an epoch, and end the process."""
    chance, stood_still = random.Random(3), 0
    for _ in range(times):
        time.sleep(chance.uniform(0.7, 1.0))
        set_shift(Path(os.environ["CLOCK_SHIM"]), -3600.0)
        before, until_s = dict(rounds), time.monotonic() + ASLEEP_AFTER_S
        while any(rounds[name] < before[name] + ROUNDS for name in rounds):
            if time.monotonic() > until_s:
                stood_still += 1
                print(json.dumps(stood_still), flush=True)
                os._exit(0)
            time.sleep(0.02)
        # epochs go on only when the clock is where it was
        set_shift(Path(os.environ["CLOCK_SHIM"]), 0.0)
    print(json.dumps(stood_still), flush=True)
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=set_back, args=(int(sys.argv[1]),)).start()
    with TemporaryDirectory() as store:
        init_db_dir(store, 1)
        given = flow(apart=sys.argv[2:] == ["apart"])
        cli_main(given, epoch_interval=EPOCH, recovery_config=RecoveryConfig(store))
