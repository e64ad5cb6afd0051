"""The watch flow and another program on the same footage in turn, by the clock on the wall.

Only rounds on a quiet machine count. A loop that leaves a core idle loses nothing when another
process takes it, the flow does; and while one half of a pair is disturbed more than the other, the
ratio says which. On a busy machine one and the same pair of programs gave 0.93, 1.25 and 1.72.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.flow_cpu import check_events
from benchmarks.machine import describe_commit, describe_machine
from benchmarks.others import (
    OTHER_RESIZE_TOLERANCE,
    SAME_RESIZE_TOLERANCE,
    OtherRun,
    check_same_people,
    run_other,
)
from benchmarks.reference import work_out
from benchmarks.results import Result, Tell
from benchmarks.serving import detector_server
from benchmarks.watch_run import WatchRun, run_watch
from benchmarks.workload import CLIP, scratch, write_site
from domain.errors import TryAgain

CAMERAS = 2
QUIET_SHARE = 0.05  # of the machine's CPU time, taken by processes that have no part in it
TRIES_FOR_EACH = 3


@dataclass(frozen=True, slots=True)
class Other:
    """The program that the flow is compared with."""

    name: str  # for people
    python: Path | str
    module: str  # takes the arguments of benchmarks.plain_loop
    conditions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pair:
    """One round."""

    flow: WatchRun
    other: OtherRun

    @property
    def others_share(self) -> float:
        """Return the share of the half that was disturbed more."""
        return max(self.flow.others_share, self.other.others_share)


def compare(name: str, other: Other, rounds: int, tell: Tell) -> Result:
    """Run pairs until `rounds` of them met a quiet machine.

    Raises:
        WrongOutputs: one of the two did not see the same people.
        TryAgain: the machine did not become quiet; there is no figure then.
    """
    clips = [CLIP] * CAMERAS
    quiet: list[Pair] = []
    shares: list[float] = []
    with scratch(name) as folder, detector_server(folder) as server:
        site_file = write_site(folder / "site.yaml", CAMERAS)
        reference = work_out(site_file)
        tell("the same people?")
        same = run_other(other.python, other.module, "area", clips)
        check_same_people(other.name, same, reference.people, SAME_RESIZE_TOLERANCE)
        while len(quiet) < rounds:
            if len(shares) == TRIES_FOR_EACH * rounds:
                raise TryAgain(_too_busy(shares, len(quiet), rounds))
            tell(f"quiet round {len(quiet) + 1} of {rounds}, try {len(shares) + 1}")
            flow = run_watch(site_file, CAMERAS, folder / f"run-{len(shares)}", server)
            check_events(flow, reference)
            run = run_other(other.python, other.module, "linear", clips)
            check_same_people(other.name, run, reference.people, OTHER_RESIZE_TOLERANCE)
            pair = Pair(flow, run)
            shares.append(pair.others_share)
            if pair.others_share <= QUIET_SHARE:
                quiet.append(pair)
    return _summarise(name, quiet, reference.people, len(shares), other.conditions)


def _too_busy(shares: list[float], quiet: int, wanted: int) -> str:
    return (
        f"needs {wanted} rounds in which other processes take at most {QUIET_SHARE:.0%} of the "
        f"machine, got {quiet} of {len(shares)} (they took {min(shares):.0%} to "
        f"{max(shares):.0%}); try again when nothing else runs"
    )


def _summarise(
    name: str, pairs: list[Pair], people: int, tried: int, conditions: Mapping[str, str]
) -> Result:
    flows, others = [pair.flow for pair in pairs], [pair.other for pair in pairs]
    return Result(
        name=name,
        value=round(median(pair.other.wall_s / pair.flow.wall_s for pair in pairs), 2),
        unit="x faster",
        must=1.4,
        aim=2.0,
        better="higher",
        conditions={
            "cameras": CAMERAS,
            "frames_analysed": flows[0].analysed,
            "rounds": len(pairs),
            "rounds_tried": tried,
            "counted": "wall time after imports and a first inference, to the last event or frame",
            "off": "live view, speech, evidence",
            "on": "recovery (epoch 1 s), durable event log",
            "resize": "linear",
            **conditions,
        },
        machine=describe_machine(),
        commit=describe_commit(),
        also={
            "flow_wall_s": round(median(run.wall_s for run in flows), 2),
            "other_wall_s": round(median(run.wall_s for run in others), 2),
            "flow_cpu_s": round(median(run.watch_cpu_s + run.server_cpu_s for run in flows), 2),
            "other_cpu_s": round(median(run.cpu_s for run in others), 2),
            "others_share_at_most": round(max(pair.others_share for pair in pairs), 3),
            "flow_people": people,
            "other_people": others[0].people,
        },
    )
