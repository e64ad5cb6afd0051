"""Run a program that does the same work in another way, and compare what the two saw."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.results import ROOT, WrongOutputs
from benchmarks.serving import DETECTOR
from benchmarks.workload import ANALYSED_PER_CAMERA, EVERY, MIN_SCORE
from models.building import GRAPH
from models.registry import TRITON_REPO

GIVE_UP_AFTER_S = 400.0
# cv2 shrinks with other rounding than FFmpeg; by the same method the scores differ a little
SAME_RESIZE_TOLERANCE = 0.02
# by linear interpolation, which skips pixels, a few percent more weak detections pass
OTHER_RESIZE_TOLERANCE = 0.06


@dataclass(frozen=True, slots=True)
class OtherRun:
    """What it printed: times begin after its imports and a first inference."""

    frames: int
    people: int
    tracks: int
    wall_s: float
    cpu_s: float
    machine_cpu_s: float  # of all processes, meanwhile

    @property
    def others_share(self) -> float:
        """Return the part of the machine that went to processes that have nothing to do with it."""
        return (self.machine_cpu_s - self.cpu_s) / (self.wall_s * (os.cpu_count() or 1))


def run_other(python: Path | str, module: str, resize: str, clips: Sequence[Path]) -> OtherRun:
    """Run benchmarks.plain_loop or a module that takes the same arguments.

    Raises:
        WrongOutputs: it failed, or analysed another number of frames than the watch flow does.
    """
    graph = TRITON_REPO / DETECTOR / "1" / GRAPH
    command = [str(python), "-m", module, str(graph), str(EVERY), str(MIN_SCORE), resize]
    done = subprocess.run(
        [*command, *map(str, clips)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=GIVE_UP_AFTER_S,
        check=False,
    )
    if done.returncode:
        raise WrongOutputs(f"{module} ended with {done.returncode}: {done.stderr[-800:]}")
    run = OtherRun(**json.loads(done.stdout.splitlines()[-1]))
    if run.frames != ANALYSED_PER_CAMERA * len(clips):
        raise WrongOutputs(
            f"{module} should analyse {ANALYSED_PER_CAMERA} frames of each of {len(clips)} "
            f"clips, analysed {run.frames}"
        )
    return run


def check_same_people(name: str, run: OtherRun, people: int, tolerance: float) -> None:
    """Raise WrongOutputs unless it saw about as many people as the watch flow."""
    if abs(run.people - people) > tolerance * people:
        raise WrongOutputs(
            f"{name} should see {people} people within {tolerance:.0%}, saw {run.people}"
        )
