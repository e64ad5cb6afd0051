"""Kill -9 at random moments, and count what was lost and what happened twice.

    python -m benchmarks.chaos [--kills 50] [--seed 7] [--scene footage|live]

Two scenes in turn. `footage` plays the sample's recordings: a run without trouble tells what should come
out. `live` watches a camera by RTSP and speaks from a loudspeaker by HTTP, with the caretaker at work.
Operators give commands in both. Each run is finished, and what it left is counted.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.chaos import scene
from benchmarks.chaos.expected import compare
from benchmarks.chaos.left import Left
from benchmarks.chaos.tally import Tally
from benchmarks.chaos.trial import Trial
from benchmarks.machine import describe_commit, describe_machine
from benchmarks.results import Result, WrongOutputs, append
from domain.data_dir import DataDir
from evidence_store.keys.encryption_keys import EncryptionKeyFolder
from evidence_store.keys.signing_keys import KeyFolder

KILLS_A_RUN = {"footage": 8, "live": 10}  # then it may finish
LEAST_OFFENCES = 5  # of a live run
terminal = Console(stderr=True)


def measure(kills: int, seed: int, scenes: Sequence[str], keep: Path | None = None) -> list[Result]:
    """Run until that many kills are done.

    Args:
        scenes: names of scenes, played in turn.
        kills: how many, all runs together.
        seed: of the moments at which somebody is killed.
        keep: data folders of the runs are copied there.
    """
    chance, total, runs = random.Random(seed), Tally(), 0
    with tempfile.TemporaryDirectory(prefix="forewarn-chaos-") as name:
        folder = Path(name)
        calm = play_calmly(folder) if "footage" in scenes else None
        while total.kills.total() < kills:
            which = scenes[runs % len(scenes)]
            wanted = min(KILLS_A_RUN[which], kills - total.kills.total())
            tally = play(which, folder / f"run-{runs}", chance, wanted, calm)
            total.add(tally)
            runs += 1
            terminal.print(
                f"{which}: {total.kills.total()} kills in {runs} runs: {len(total.lost)} lost, "
                f"{len(total.doubled)} doubled; {dict(tally.remarks)}",
                highlight=False,
            )
            for words in tally.faults:
                terminal.print(f"  {words}", highlight=False, soft_wrap=True)
            if keep:
                shutil.copytree(folder / f"run-{runs - 1}", keep / f"{seed}-{runs - 1}")
    return _results(total, runs, seed, scenes)


def play_calmly(folder: Path) -> Left:
    """Play the recordings without a kill: what should come out of them.

    Raises:
        WrongOutputs: something is amiss without any kill.
    """
    data = new_data(folder / "calm")
    with scene.footage(folder) as around:
        trial = Trial(around, data, random.Random(0), kills=0, with_operators=False)
        left = trial.run()
        arrived = len(around.desk.messages)
    if trial.tally.faults or not trial.tally.seen["masked clip"] or not arrived:
        raise WrongOutputs(f"a run without kills left {trial.tally.faults or trial.tally.seen}")
    return left


def play(which: str, folder: Path, chance: random.Random, kills: int, calm: Left | None) -> Tally:
    """Run once, killed so often."""
    data = new_data(folder)
    opened = scene.live(folder) if which == "live" else scene.footage(folder)
    with opened as around:
        trial = Trial(around, data, chance, kills, least_offences=LEAST_OFFENCES)
        left = trial.run()
    if calm is not None and not around.is_live:
        compare(calm, left, trial.tally)
    return trial.tally


def new_data(folder: Path) -> DataDir:
    """Make a data folder with keys, as `forewarn keys create` makes them."""
    data = DataDir(folder)
    data.root.mkdir(parents=True)
    KeyFolder(data.keys).create()
    EncryptionKeyFolder(data.keys).create()
    return data


def _results(total: Tally, runs: int, seed: int, scenes: Sequence[str]) -> list[Result]:
    conditions = {
        "kills": dict(total.kills),
        "by_kind": total.by_kind(),
        "remarks": dict(total.remarks),
        "runs": runs,
        "seed": seed,
        "scenes": list(scenes),
        "off": "live view, console",
    }
    return [
        Result(
            name=name,
            value=len(found),
            unit=f"in {total.kills.total()} kills",
            must=0,
            aim=0,
            better="lower",
            conditions=conditions,
            machine=describe_machine(),
            commit=describe_commit(),
        )
        for name, found in (("chaos_lost", total.lost), ("chaos_doubled", total.doubled))
    ]


def _show(results: list[Result]) -> None:
    for kind, counts in results[0].conditions["by_kind"].items():
        terminal.print(
            f"{kind:<16} {counts['seen']:>5} seen {counts['lost']:>4} lost {counts['doubled']:>4} doubled",
            highlight=False,
        )
    terminal.print(f"killed: {results[0].conditions['kills']}", highlight=False)


def main() -> int:
    """Print the counts; 1 where something was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scene", choices=KILLS_A_RUN, action="append", help="none given: both")
    parser.add_argument("--keep", type=Path, help="folder for what the runs left")
    given = parser.parse_args()
    results = measure(given.kills, given.seed, given.scene or list(KILLS_A_RUN), given.keep)
    _show(results)
    for result in results:
        append(result)
        print(json.dumps({"name": result.name, "value": result.value, "unit": result.unit}))
    return 0 if all(result.reaches_must for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
