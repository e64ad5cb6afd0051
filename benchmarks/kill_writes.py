"""kill -9 while records are being written: is one lost that was acknowledged, or is one there twice?

One process writes without a pause and says what is kept; it is killed at a random moment, and the next
one begins a little before the place that the last one reached, as the preserve flow does after a crash.
Every fifth writer is killed while it starts.
"""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.results import Result, Tell, WrongOutputs, quiet, rounds_of
from benchmarks.table_writer import record
from benchmarks.table_writers import start_writer
from benchmarks.workload import scratch
from evidence_store.search.table import KEY, EvidenceTable

NAME = "kill_writes"
KILLS = 50
REPLAYED = 20  # records that the next writer writes again
BATCH = 2
WITHIN_S = 0.5  # after the first acknowledgement


def measure(*, long: bool = False, tell: Tell = quiet) -> Result:
    """Measure; raises WrongOutputs where no writer got anything done; `long` kills ten times as often."""
    kills = 10 * KILLS if long else KILLS
    with scratch(NAME) as folder:
        acknowledged = _write_and_kill(folder, kills, tell)
        table = EvidenceTable.open(folder, create=False)
        ids = table.facts().column(KEY).to_pylist()
        lost = {record(number).evidence_id for number in range(acknowledged)} - set(ids)
        doubled = len(ids) - len(set(ids))
        damaged = _damaged(table, ids)
    if acknowledged < kills:
        raise WrongOutputs(f"only {acknowledged} records were acknowledged in {kills} kills")
    return Result(
        name=NAME,
        value=len(lost) + doubled + damaged,
        unit="records lost, doubled or damaged",
        must=0,
        aim=0,
        better="lower",
        conditions={
            "kills": kills,
            "batch": BATCH,
            "replayed_after_each": REPLAYED,
            "not_tried": "loss of power",
        },
        machine=describe_machine(),
        commit=describe_commit(),
        also={
            "lost": len(lost),
            "doubled": doubled,
            "damaged": damaged,
            "acknowledged": acknowledged,
            "kept_without_acknowledgement": len(set(ids)) - acknowledged,
        },
    )


def _write_and_kill(folder: Path, kills: int, tell: Tell) -> int:
    """Return how many records, counted from 0, were acknowledged."""
    chance, acknowledged, start_s = random.Random(11), 0, 1.0
    for number in rounds_of(kills, tell):
        first = max(0, acknowledged - REPLAYED)
        writer = start_writer(folder, first=first, count=10**6, batch=BATCH)
        assert writer.stdout is not None
        began_s = time.monotonic()
        if number % 5 == 4:
            time.sleep(chance.uniform(0, start_s))
        else:
            acknowledged = max(acknowledged, int(writer.stdout.readline() or 0))
            start_s = time.monotonic() - began_s
            time.sleep(chance.uniform(0, WITHIN_S))
        writer.send_signal(signal.SIGKILL)
        for line in writer.stdout:
            if line.endswith("\n"):
                acknowledged = max(acknowledged, int(line))
        writer.wait()
        writer.stdout.close()
    return acknowledged


def _damaged(table: EvidenceTable, ids: list[str]) -> int:
    """Count rows that do not say what was written, in a sample of 200."""
    step = max(1, len(ids) // 200)
    damaged = 0
    for each in table.get_many(ids[::step]):
        written = record(int(each.evidence_id[4:], 16))
        same = each.embedding.tobytes() == written.embedding.tobytes()
        damaged += not (same and each.files == written.files and each.ended_at == written.ended_at)
    return damaged
