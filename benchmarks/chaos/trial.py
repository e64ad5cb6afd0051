"""One run from start to end, killed on the way as often as wanted."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chaos.count_kept import (
    count_chain,
    count_evidence,
    count_masked,
    count_unfinished,
)
from benchmarks.chaos.count_story import count_commands, count_offences, count_rungs
from benchmarks.chaos.count_told import count_calls, count_messages
from benchmarks.chaos.left import Left
from benchmarks.chaos.operators import Operators
from benchmarks.chaos.scene import Scene
from benchmarks.chaos.settled import is_settled
from benchmarks.chaos.tally import Tally
from benchmarks.chaos.victims import SUPERVISOR, Family
from benchmarks.results import ROOT, WrongOutputs
from domain.data_dir import DataDir

FIRST_KILL_S = 3.0
PAUSE_S = (0.2, 5.0)  # between kills
# the others are many small programs: without weights these three would hardly ever be met
WEIGHTS = {"watch": 4, "announce": 4, "preserve": 3, "triton": 2}
LIVE_PAUSE_S = (
    1.0,
    12.0,
)  # what a camera shows while nobody looks is gone: there must be time to look
SUPERVISORS_SHARE = 0.12
LATER_SHARE = 0.4
WHILE_STARTING_SHARE = (
    0.1  # of the moments that come while the server starts; else it never gets up
)
LOOK_EVERY_S = 0.03
GONE_WITHIN_S = 180.0  # what a killed supervisor leaves: the server finishes its requests first
SETTLED_WITHIN_S = 1800.0
ENDS_WITHIN_S = 1800.0


@dataclass
class Trial:
    """One data folder, and all that happens to it."""

    scene: Scene
    data: DataDir
    chance: random.Random
    kills: int
    with_operators: bool = True
    least_offences: int = 0  # of a live scene, before its camera falls silent
    tally: Tally = field(default_factory=Tally)
    family: Family = field(default_factory=Family)
    _left_to_kill: int = 0
    _next_kill_s: float = 0.0

    def run(self) -> Left:
        """Play it to its end; the tally then says what was lost and doubled.

        Raises:
            WrongOutputs: it did not come to an end.
        """
        operators = Operators(self.data, self.chance) if self.with_operators else None
        process = self._start()
        try:
            process = self._until_over(process, operators)
            if self.scene.is_live:
                process = self._settle(process, operators)
            elif operators:
                operators.finish(60)
        finally:
            _stop(process)
        self._check_orphans(within_s=GONE_WITHIN_S)
        self.family.end()
        left = Left.look(self.data)
        self._count(left, operators)
        return left

    def _until_over(
        self, process: subprocess.Popen[bytes], operators: Operators | None
    ) -> subprocess.Popen[bytes]:
        """Kill and ask; recordings end by themselves, a camera is watched until the kills are done."""
        began_s = time.monotonic()
        self._next_kill_s = began_s + FIRST_KILL_S
        give_up_at = began_s + ENDS_WITHIN_S
        # of a live run some are left for when evidence and masked clips are made
        self._left_to_kill = self.kills
        kept = round(LATER_SHARE * self.kills) if self.scene.is_live else 0
        while time.monotonic() < give_up_at:
            if process.poll() is not None:
                if process.returncode == 0 and not self.scene.is_live:
                    return process
                process = self._start_again(process)
            opened = operators.work() if operators else 0
            is_shown = self._left_to_kill <= kept and opened >= self.least_offences
            if is_shown and self.scene.is_live:
                return process
            if self._left_to_kill > kept:
                self._perhaps_kill(process)
            time.sleep(LOOK_EVERY_S)
        raise WrongOutputs(f"{self.data.root}: did not end in {ENDS_WITHIN_S:.0f} s")

    def _perhaps_kill(self, process: subprocess.Popen[bytes]) -> None:
        if self._left_to_kill > 0 and time.monotonic() > self._next_kill_s:
            self._left_to_kill -= self._kill_one(process)
            pause_s = LIVE_PAUSE_S if self.scene.is_live else PAUSE_S
            self._next_kill_s = time.monotonic() + self.chance.uniform(*pause_s)

    def _kill_one(self, process: subprocess.Popen[bytes]) -> int:
        there = self.family.present(process.pid)
        is_up = "watch" in there
        if not there or not (is_up or self.chance.random() < WHILE_STARTING_SHARE):
            return 0
        is_supervisor = self.chance.random() < SUPERVISORS_SHARE
        victim = SUPERVISOR if is_supervisor else self._choose(there)
        if not self.family.kill(process.pid, victim):
            return 0
        self.tally.kills[victim] += 1
        if victim == SUPERVISOR:
            process.wait()
        return 1

    def _choose(self, there: list[str]) -> str:
        weights = [WEIGHTS.get(name, 1) for name in there]
        return self.chance.choices(there, weights)[0]

    def _settle(
        self, process: subprocess.Popen[bytes], operators: Operators | None
    ) -> subprocess.Popen[bytes]:
        """Let all that follows from what was seen be done, then end the run in order."""
        if operators:
            operators.finish(60)
        self.scene.fall_silent()
        give_up_at = time.monotonic() + SETTLED_WITHIN_S
        while time.monotonic() < give_up_at:
            if process.poll() is not None:
                process = self._start_again(process)
            elif self._left_to_kill == 0 and is_settled(self.data):
                break
            self.family.look(process.pid)
            self._perhaps_kill(process)
            time.sleep(0.5)
        _stop(process)
        if process.returncode != 0:
            self.tally.lose("start", [f"asked to end, it ended with {process.returncode}"])
        return process

    def _start(self) -> subprocess.Popen[bytes]:
        self.data.root.mkdir(parents=True, exist_ok=True)
        self.tally.seen["start"] += 1
        with self._output.open("ab") as output:
            return subprocess.Popen(
                self.scene.command(self.data),
                cwd=ROOT,
                env=self.scene.environment(self.data),
                stdout=output,
                stderr=output,
            )

    def _start_again(self, ended: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        if ended.returncode != -signal.SIGKILL:
            words = self._output.read_text(errors="replace")[-2000:]
            raise WrongOutputs(f"{self.data.root}: ended with {ended.returncode}:\n{words}")
        return self._start()

    @property
    def _output(self) -> Path:
        return self.data.root / "chaos.log"

    def _check_orphans(self, within_s: float) -> None:
        give_up_at = time.monotonic() + within_s
        while (orphans := self.family.orphans()) and time.monotonic() < give_up_at:
            time.sleep(0.2)
        self.tally.double("start", (f"{each} was left behind" for each in orphans))

    def _count(self, left: Left, operators: Operators | None) -> None:
        count_offences(left, self.tally)
        count_rungs(left, self.tally)
        count_commands(left, self.tally)
        count_calls(left, self.scene.horn.sounds, self.tally)
        arrived = [each for each in self.scene.desk.messages if each.path == self.data.root.name]
        count_messages(left, arrived, self.tally)
        count_evidence(left, self.tally)
        count_masked(left, self.tally)
        count_chain(left, self.tally)
        count_unfinished(left, self.tally)
        self.tally.remarks.update(crashes(self.data))
        if operators:
            self.tally.remarks["operator's command killed and given again"] += operators.kills
            codes = {f"offences exit {code}": n for code, n in operators.exit_codes.items()}
            self.tally.remarks.update(codes)


def crashes(data: DataDir) -> Counter[str]:
    """Return programs that ended by themselves, not by a kill: each deserves a look at its log."""
    found: Counter[str] = Counter()
    for line in (data.logs / "supervisor.log").read_text(errors="replace").splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if told.get("event") == "program_crashed" and told.get("code") != -signal.SIGKILL:
            found[f"{told['name']} ended with {told['code']}"] += 1
        elif told.get("event") in ("program_stands_still", "program_killed"):
            found[f"{told['name']} {told['event']}"] += 1
    return found


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
