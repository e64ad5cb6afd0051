"""Bursts of signals at every program, at random moments: does one hang, or fall over with a traceback?

Most rounds are cheap: a forked process with the product's handlers, whose main thread computes or waits
and whose other threads wait as well. The others end real programs, from their first moment on.

    python -m benchmarks.signal_bursts --forked 300 --seed 7      the cheap rounds alone, as JSON
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chaos.scene import Scene, footage
from benchmarks.machine import describe_commit, describe_machine
from benchmarks.results import ROOT, Result, Tell, WrongOutputs, quiet, rounds_of
from benchmarks.workload import scratch
from domain.data_dir import DataDir
from domain.site.loading import load_site
from flows.signals import install_stop_signals, keep_exit_code
from forewarn.programs.settings import ProgramSettings
from forewarn.programs.supervision.plan import (
    ALARMS,
    ANNOUNCE,
    CARETAKER,
    MASK,
    NOTIFY,
    PRESERVE,
    WATCH,
    caretaker_program,
    flow_program,
)
from forewarn.site.put_in_force import apply_file
from models.serving.server import TritonServer

NAME = "signal_bursts"
FORKED, REAL = 176, 4  # rounds; of REAL each program gets so many
LONG = 10  # times as many
RUN = "run"  # the whole of it
PROGRAMS = (WATCH, ANNOUNCE, PRESERVE, NOTIFY, MASK, ALARMS, CARETAKER)
SIZES = (2, 3, 5, 20)
START_S = 4.0  # within which most signals come; a start takes about that long
ENDS_WITHIN_S = {RUN: 60.0}  # its programs' grace, and Triton's
GRACE_S = 20.0
SLOW = 3.0  # times that: the machine is shared
BY_THE_SIGNAL = (-signal.SIGTERM, -signal.SIGINT, -signal.SIGUSR1)


@dataclass(frozen=True)
class Ended:
    """How one program came to its end."""

    name: str
    code: int | None  # None: it hung, and was killed
    took_s: float
    output: str
    was_at_work: bool  # had given a sign of life

    @property
    def is_fault(self) -> bool:
        """Whether it did not end in order; one that still loads may be ended by the signal itself."""
        is_right = self.code == 0 or (self.code in BY_THE_SIGNAL and not self.was_at_work)
        return not is_right or "Traceback" in self.output


def measure(*, long: bool = False, tell: Tell = quiet) -> Result:
    """Measure; `long` makes ten times the rounds."""
    rounds = LONG if long else 1
    tell("forked processes")
    codes = forked(FORKED * rounds, seed=11)
    with scratch(NAME) as folder, TritonServer(folder / "triton") as server:
        server.wait_ready(timeout_s=120)
        with footage(folder, server.address) as scene:
            ended = list(at_programs(scene, folder, REAL * rounds, random.Random(12), tell))
    faults = [each for each in ended if each.is_fault]
    if faults:
        last = faults[-1]
        tell(f"{last.name} ended with {last.code}: {last.output[-500:]}")
    hung = codes["hung"] + sum(each.code is None for each in ended)
    return Result(
        name=NAME,
        value=hung,
        unit="programs that hung",
        must=0,
        aim=0,
        better="lower",
        conditions={"bursts_of": SIZES, "signals": "TERM, INT, USR1", "programs": PROGRAMS},
        machine=describe_machine(),
        commit=describe_commit(),
        also={
            "rounds": sum(codes.values()) + len(ended),
            "ended_otherwise": codes.total() - codes["0"] - codes["hung"] + len(faults),
            "longest_end_s": round(max(each.took_s for each in ended), 1),
        },
    )


def at_programs(
    scene: Scene, folder: Path, rounds: int, chance: random.Random, tell: Tell = quiet
) -> Iterator[Ended]:
    """Start and end each program so many times, on one data folder, and the whole run half as often."""
    data = DataDir(folder / "data")
    environment = scene.environment(data)
    assert scene.triton is not None
    apply_file(scene.site_file, data, plays_footage=False)
    settings = ProgramSettings(
        data=data,
        triton_address=scene.triton,
        until_end=False,
        shows_live=True,
        unsealed=True,
    )
    site = load_site(scene.site_file)
    flows = (name for name in PROGRAMS if name != CARETAKER)
    commands = {name: flow_program(name, settings, site).argv for name in flows}
    commands[CARETAKER] = caretaker_program(settings, site).argv
    whole = [sys.executable, "-m", "forewarn", "run", str(scene.site_file), "--unsealed"]
    commands[RUN] = [*whole, "--data", str(data.root), "--triton", scene.triton]
    for number in rounds_of(rounds, tell):
        for name, command in commands.items():
            if name != RUN or number % 2:
                beat = data.beats / name
                beat.unlink(missing_ok=True)
                yield end_one(name, command, environment, chance, folder / f"{name}.out", beat)


def end_one(
    name: str,
    command: list[str],
    environment: Mapping[str, str],
    chance: random.Random,
    said: Path,
    beat: Path,
) -> Ended:
    """Start a program, send it a burst at some moment, and see it end."""
    with said.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    time.sleep(chance.choice((chance.uniform(0.05, START_S), chance.uniform(START_S, 3 * START_S))))
    began_s, was_at_work = time.monotonic(), beat.exists()
    burst(process.pid, chance)
    code: int | None
    try:
        code = process.wait(ENDS_WITHIN_S.get(name, GRACE_S) * SLOW)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        code = None
    took_s = time.monotonic() - began_s
    return Ended(name, code, took_s, said.read_text(errors="replace"), was_at_work)


def burst(pid: int, chance: random.Random) -> None:
    """Send 2 to 20 signals, close together; at least one of them asks to end."""
    count = chance.choice(SIZES)
    numbers = chance.choices((signal.SIGTERM, signal.SIGINT, signal.SIGUSR1), k=count - 1)
    numbers.insert(chance.randrange(count), chance.choice((signal.SIGTERM, signal.SIGINT)))
    for number in numbers:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if count < max(SIZES):
            time.sleep(chance.uniform(0, 0.0005))


def forked(rounds: int, seed: int) -> Counter[str]:
    """Make the cheap rounds in a process of its own, which has no threads; return how they ended."""
    command = [sys.executable, "-m", "benchmarks.signal_bursts", "--forked", str(rounds)]
    done = subprocess.run(
        [*command, "--seed", str(seed)], cwd=ROOT, stdout=subprocess.PIPE, check=False, text=True
    )
    if done.returncode != 0:
        raise WrongOutputs(f"the forked rounds ended with {done.returncode}")
    return Counter(json.loads(done.stdout))


def _fork_and_burst(chance: random.Random) -> str:
    """Return the exit code of one process, or "hung"."""
    at_work, tells = os.pipe()
    way = chance.randrange(3)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            _be_ended(tells, way)
            code = 0
        finally:
            os._exit(code)
    os.close(tells)
    os.read(at_work, 1)
    os.close(at_work)
    time.sleep(chance.uniform(0, 0.01))
    burst(pid, chance)
    give_up_at_s = time.monotonic() + GRACE_S * SLOW
    while time.monotonic() < give_up_at_s:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return str(os.waitstatus_to_exitcode(status))
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "hung"


def _be_ended(tells: int, way: int) -> None:
    """Wait for the end as programs do: by computing, by waiting, by looking now and then."""
    stop, drain = install_stop_signals()
    waiting = [threading.Thread(target=stop.wait) for _ in range(3)]
    for thread in waiting:
        thread.start()
    os.write(tells, b".")
    while not stop.is_set():
        if way == 0:
            stop.wait(600)
        elif way == 1:
            sum(range(2_000))
        else:
            drain.wait(0.001)
    for thread in waiting:
        thread.join()
    keep_exit_code()


def main() -> None:
    """Make the cheap rounds and print how they ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--forked", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    print(json.dumps(Counter(_fork_and_burst(chance) for _ in range(given.forked))))


if __name__ == "__main__":
    main()
