"""Read thousands of damaged clips as the product does, and count what that ended or hung.

    python -m benchmarks.fuzz [--clips 2000] [--played 200] [--seed 7]

`--clips` go through the cameras' readers, 50 cameras to a process; of them `--played` go through whole runs
with a real Triton server, 40 cameras each. The same seed gives the same clips.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks.fuzz.clips import damaged, make_seeds
from benchmarks.fuzz.trial import Tally, read_all
from benchmarks.fuzz.whole_runs import RunTally, play
from benchmarks.machine import describe_commit, describe_machine
from benchmarks.results import Result, append
from models.serving.server import TritonServer

CAMERAS_A_PROCESS, CAMERAS_A_RUN = 50, 40
terminal = Console(stderr=True)


def main() -> int:
    """Print the counts; 1 where a process was lost or did not end."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--played", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    played = RunTally()
    with tempfile.TemporaryDirectory(prefix="forewarn-fuzz-") as name:
        folder = Path(name)
        seeds = make_seeds(folder / "seeds")
        clips = list(damaged(seeds, folder / "clips", given.clips, given.seed))
        read = read_all(clips, CAMERAS_A_PROCESS)
        terminal.print(f"read: {read}", highlight=False, soft_wrap=True)
        if given.played:
            with TritonServer(folder / "triton") as server:
                server.wait_ready(timeout_s=120)
                played = play(clips[: given.played], CAMERAS_A_RUN, server.address, folder / "runs")
            terminal.print(f"played: {played}", highlight=False, soft_wrap=True)
    results = _results(read, played, given.seed)
    for result in results:
        append(result)
        print(json.dumps({"name": result.name, "value": result.value, "unit": result.unit}))
    return 0 if all(result.reaches_must for result in results) else 1


def _results(read: Tally, played: RunTally, seed: int) -> list[Result]:
    counts = {
        "fuzz_lost": len(read.lost) + len(played.programs_lost),
        "fuzz_not_ended": len(read.not_ended) + len(played.not_ended) + len(played.unheard_of),
    }
    conditions = {"seed": seed, "read": vars(read), "played": vars(played), "off": "recorders"}
    return [
        Result(
            name=name,
            value=count,
            unit=f"in {read.clips} clips read, {played.clips} played",
            must=0,
            aim=0,
            better="lower",
            conditions=conditions,
            machine=describe_machine(),
            commit=describe_commit(),
        )
        for name, count in counts.items()
    ]


if __name__ == "__main__":
    sys.exit(main())
