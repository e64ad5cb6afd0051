"""Set the machine's clock under a real live run: is a call lost or late, is a program asleep or killed?

The clock is a shim in C that is preloaded into the run; the model server and the stand-ins keep theirs.

    python -m benchmarks.clock_steps                         all eight cases, each a line of JSON
    python -m benchmarks.clock_steps --step -3600 --restart  one
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from benchmarks.chaos.scene import Scene, live
from benchmarks.machine import describe_commit, describe_machine
from benchmarks.results import Result, Tell, WrongOutputs, quiet
from benchmarks.signal_bursts import PROGRAMS
from benchmarks.workload import scratch
from domain.data_dir import DataDir
from domain.events.catalog import (
    ClockStepped,
    EventData,
    OffenceEscalated,
    OffenceOpened,
    OffenceWarned,
    OutcomeData,
)
from domain.events.wall_time import seconds_between
from domain.site.loading import load_site
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from models.serving.server import TritonServer
from tests.support.clock_shim import ShimmedClock

NAME = "clock_steps"
STEPS_S = (-3600.0, -60.0, 60.0, 3600.0)
UP_WITHIN_S = 240.0
ENDS_WITHIN_S = 60.0
# the camera's clip goes round in it: somebody is called, and stays until that is escalated
WATCHED_S = 90.0
# before the clock is set: how long programs are silent here anyway, sealing on a machine that others use
USUAL_WATCHED_S = 30.0
ASLEEP_S = 15.0
# the machine is shared: a sampled frame, and a detector that has to wait
LATE_S = 5.0
LOOK_EVERY_S = 0.5
ENDS = ("program_crashed", "program_stands_still", "program_killed", "program_not_started")
SAID = "run.log"


@dataclass(frozen=True)
class Stepped:
    """What came of one setting of the clock."""

    step_s: float
    over_a_restart: bool
    told: int  # settings that the log tells
    calls: int  # after it
    escalations: int
    late: int  # calls and escalations
    lost: tuple[str, ...]  # offences that ended without a call, or an escalation, that was due
    latest_s: float  # behind its due time
    usual_without_beat_s: float  # the longest before it
    longest_without_beat_s: float  # the longest after it
    ended: tuple[str, ...]  # programs that crashed or were killed after it
    died: bool  # the whole run

    @property
    def faults(self) -> int:
        """Count what a setting must not do."""
        is_asleep = self.longest_without_beat_s > max(ASLEEP_S, 2 * self.usual_without_beat_s)
        nothing_came = (self.calls == 0) + (self.escalations == 0)
        harmed = len(self.lost) + len(self.ended) + self.died
        return self.late + nothing_came + (self.told != 1) + is_asleep + harmed


def measure(*, long: bool = False, tell: Tell = quiet) -> Result:
    """Measure; `long` takes all steps, else the two an hour wide."""
    del_s = STEPS_S if long else (STEPS_S[0], STEPS_S[-1])
    found = []
    with scratch(NAME) as folder, TritonServer(folder / "triton") as server:
        server.wait_ready(timeout_s=UP_WITHIN_S)
        with live(folder, server.address) as scene:
            _count_from_due(scene)
            for step_s in del_s:
                for over_a_restart in (False, True):
                    tell(f"{step_s:+.0f} s{', over a restart' if over_a_restart else ''}")
                    found.append(one_step(scene, folder, step_s, over_a_restart=over_a_restart))
    return Result(
        name=NAME,
        value=sum(each.faults for each in found),
        unit="calls and escalations lost or late, settings not told, programs asleep or ended",
        must=0,
        aim=0,
        better="lower",
        conditions={"steps_s": del_s, "over_a_restart": (False, True), "late_s": LATE_S},
        machine=describe_machine(),
        commit=describe_commit(),
        also={
            "calls": sum(each.calls for each in found),
            "escalations": sum(each.escalations for each in found),
            "latest_s": max(each.latest_s for each in found),
            "longest_without_beat_s": max(each.longest_without_beat_s for each in found),
        },
    )


def one_step(scene: Scene, folder: Path, step_s: float, *, over_a_restart: bool) -> Stepped:
    """Start a run, set its clock after the first call, and watch it for a while."""
    place = folder / f"step{step_s:+.0f}{'-restart' if over_a_restart else ''}"
    place.mkdir()
    data, clock = DataDir(place / "data"), ShimmedClock(place)
    environment = clock.environment | scene.environment(data)
    environment |= {name: clock.environment[name] for name in ("LD_PRELOAD", "CLOCK_SHIM")}
    keys = [sys.executable, "-m", "forewarn", "keys", "create", "--data", str(data.root)]
    subprocess.run(keys, env=environment, check=True, capture_output=True)
    with _started(scene.command(data), environment, place / SAID) as run:
        _wait_for_calls(data, run, 1)
        usual_s = _watch(data, run, USUAL_WATCHED_S)
        before, ended = _last_seq(data), len(_ended(data))
        if not over_a_restart:
            clock.set(step_s)
            beat_s = _watch(data, run, WATCHED_S)
        died = run.poll() is not None
    if over_a_restart:
        before, ended = _last_seq(data), len(_ended(data))
        clock.set(step_s)
        with _started(scene.command(data), environment, place / SAID) as run:
            _wait_for_calls(data, run, 2, after=before)
            beat_s = _watch(data, run, WATCHED_S)
            died = run.poll() is not None
    # of an offence that a restart fell into some was due while nothing ran, whatever the clock said
    ladder = Ladder.of(scene, after=before if over_a_restart else 0)
    calls = [ladder.delay_s(data, each) for each in _read(data, before, OffenceWarned)]
    escalations = [ladder.delay_s(data, each) for each in _read(data, before, OffenceEscalated)]
    return Stepped(
        step_s,
        over_a_restart,
        told=len(_read(data, 0, ClockStepped)),
        calls=len(calls),
        escalations=len(escalations),
        late=sum(delay_s > LATE_S for delay_s in calls + escalations),
        lost=tuple(ladder.lost(data, before)),
        latest_s=round(max(calls + escalations, default=0.0), 2),
        usual_without_beat_s=round(usual_s, 1),
        longest_without_beat_s=round(beat_s, 1),
        ended=tuple(_ended(data)[ended:]),
        died=died,
    )


def _count_from_due(scene: Scene) -> None:
    """Let no loudspeaker hold up the ladder: what comes late is late by the clock."""
    site = json.loads(scene.site_file.read_text(encoding="utf-8"))
    site["ladders"][0]["next_rung_counts_from"] = "due"
    scene.site_file.write_text(json.dumps(site, ensure_ascii=False), encoding="utf-8")


@contextmanager
def _started(
    command: list[str], environment: dict[str, str], said: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with said.open("ab") as output:
        run = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        yield run
    finally:
        if run.poll() is None:
            run.send_signal(signal.SIGTERM)
        try:
            run.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()


def _wait_for_calls(
    data: DataDir, run: subprocess.Popen[bytes], count: int, after: int = 0
) -> None:
    give_up_at = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < give_up_at and run.poll() is None:
        if data.events_db.exists() and len(_read(data, after, OffenceWarned)) >= count:
            return
        time.sleep(LOOK_EVERY_S)
    said = (data.root.parent / SAID).read_text(errors="replace")[-800:]
    raise WrongOutputs(f"no call within {UP_WITHIN_S:.0f} s, code {run.poll()}: {said}")


def _watch(data: DataDir, run: subprocess.Popen[bytes], watched_s: float) -> float:
    """Watch the signs of life for a while; return the longest time without one, seconds."""
    seen: dict[str, tuple[bytes, float]] = {}
    longest_s, end_s = 0.0, time.monotonic() + watched_s
    while time.monotonic() < end_s and run.poll() is None:
        for name in PROGRAMS:
            place = data.beats / name
            beat = place.read_bytes() if place.exists() else b""
            known = seen.get(name)
            if known is None or known[0] != beat:
                seen[name] = (beat, time.monotonic())
            longest_s = max(longest_s, time.monotonic() - seen[name][1])
        time.sleep(LOOK_EVERY_S)
    return longest_s


@dataclass(frozen=True)
class Ladder:
    """When calls and the escalation are due, seconds after an offence was opened."""

    rungs_s: tuple[float, ...]
    escalation_s: float
    after: int  # offences opened before this event are asked for no more than an end

    @classmethod
    def of(cls, scene: Scene, after: int) -> Ladder:
        """Read the scene's only ladder, which counts from when calls come due."""
        ladder = load_site(scene.site_file).ladders[0]
        rungs_s = tuple(accumulate(rung.after_s for rung in ladder.rungs))
        return cls(rungs_s, rungs_s[-1] + ladder.escalate_after_s, after)

    def delay_s(self, data: DataDir, came: LoggedEvent) -> float:
        """Return by how much a call or an escalation came behind its due time, in time that really passed."""
        event: Any = came.event.data
        if isinstance(event, OffenceWarned):
            due_s = self.rungs_s[event.rung_number - 1]
        else:
            due_s = self.escalation_s
        opened = next(
            each
            for each in _read(data, 0, OffenceOpened)
            if each.event.subject == came.event.subject
        )
        if opened.seq <= self.after:
            return 0.0
        # nobody is called on while they are hidden
        late_s = seconds_between(opened.event.data.sighting, event.sighting)
        return float(late_s - event.unseen_s - due_s)

    def lost(self, data: DataDir, after: int) -> Iterator[str]:
        """Name the offences that ended though somebody was seen so long that more was due."""
        opened = {each.event.subject: each for each in _read(data, 0, OffenceOpened)}
        ended = {each.event.subject for each in _read(data, 0, OutcomeData)}
        for offence_id, each in opened.items():
            if each.seq <= self.after and offence_id not in ended:
                yield f"{offence_id}: open before the restart, and has no end"
        called = Counter(each.event.subject for each in _read(data, 0, OffenceWarned))
        for each in _read(data, after, OutcomeData):
            outcome, offence_id = each.event.data, each.event.subject
            if opened[offence_id].seq <= self.after:
                continue
            first = opened[offence_id].event.data.sighting
            stayed_s = seconds_between(first, outcome.last_sighting) - outcome.unseen_s
            due = sum(rung_s < stayed_s - LATE_S for rung_s in self.rungs_s)
            if called[offence_id] < due:
                yield f"{offence_id}: {called[offence_id]} of {due} calls in {stayed_s:.0f} s"
            elif not isinstance(outcome, OffenceEscalated) and (
                stayed_s - LATE_S > self.escalation_s
            ):
                yield f"{offence_id}: {each.event.type} after {stayed_s:.0f} s"


def _read(data: DataDir, after: int, *kinds: type[EventData]) -> list[Any]:
    with EventLog.open(data.events_db) as log:
        found, seq = [], after
        while page := log.read(seq):
            found += [each for each in page if isinstance(each.event.data, kinds)]
            seq = page[-1].seq
        return found


def _ended(data: DataDir) -> list[str]:
    """Return the programs that crashed or were killed, by the supervisor's log."""
    log = data.logs / "supervisor.log"
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [f"{each['name']}: {each['event']}" for each in lines if each.get("event") in ENDS]


def _last_seq(data: DataDir) -> int:
    with EventLog.open(data.events_db) as log:
        return log.last_seq()


def main() -> int:
    """Try steps and print what came of each; 1 where one did harm."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clock_steps", description=__doc__)
    parser.add_argument("--step", type=float, action="append", metavar="S", help="none given: all")
    when = parser.add_mutually_exclusive_group()
    when.add_argument("--running", action="store_true", help="only in a running run")
    when.add_argument("--restart", action="store_true", help="only while nothing runs")
    given = parser.parse_args()
    cases = [over for over in (False, True) if not (given.running if over else given.restart)]
    faults = 0
    with scratch(NAME) as folder, TritonServer(folder / "triton") as server:
        server.wait_ready(timeout_s=UP_WITHIN_S)
        with live(folder, server.address) as scene:
            _count_from_due(scene)
            for step_s in given.step or STEPS_S:
                for over_a_restart in cases:
                    found = one_step(scene, folder, step_s, over_a_restart=over_a_restart)
                    print(json.dumps(asdict(found) | {"faults": found.faults}), flush=True)
                    faults += found.faults
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
