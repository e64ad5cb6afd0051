"""Kill -9 of the announcer while network speakers talk; what they heard is counted at the speakers.

Two speakers on loopback take their time over each call. The real program is killed, mostly in the
middle of a call, and started again; in the end every warning must have one announcement, no call
may have been heard twice, and what is recorded as played must have been heard.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.chaos.count_told import check_heard, heard_times
from benchmarks.chaos.left import read_all
from benchmarks.chaos.tally import Tally
from benchmarks.machine import describe_commit, describe_machine
from benchmarks.results import ROOT, Result, Tell, WrongOutputs, quiet
from domain.base import BothLanguages
from domain.data_dir import DataDir
from domain.events.announcements import AnnouncementMade
from domain.events.catalog import OffenceWarned
from event_log.log import EventLog
from forewarn.programs.settings import ProgramSettings
from forewarn.site.put_in_force import apply_file
from tests.support.example_events import warned_event
from tests.support.network_speaker import Horn, network_speaker

WARNINGS_A_KILL = 2  # more would only wait, for each call is given the time it takes
SHORT_KILLS, LONG_KILLS = 10, 50
START_WITHIN_S = 240.0
CALL_WITHIN_S = 5.0
TALKS_S = (0.05, 0.5)  # how long a speaker takes over a call


@dataclass
class Outcome:
    """What came of it."""

    kills: int = 0
    kills_while_talking: int = 0
    results: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)


def measure(*, long: bool = False, tell: Tell = quiet) -> Result:
    """Count what was lost and what was heard or recorded twice."""
    kills = LONG_KILLS if long else SHORT_KILLS
    tell(f"{kills} kills")
    with tempfile.TemporaryDirectory(prefix="forewarn-chaos-") as folder:
        outcome = kill_while_talking(DataDir(Path(folder)), kills, seed=7)
    if not outcome.results["played"] or not outcome.kills_while_talking:
        raise WrongOutputs(f"nothing was played, or no kill met a call: {outcome}")
    return Result(
        name="chaos_speaker",
        value=len(outcome.lost) + len(outcome.doubled),
        unit=f"calls lost or doubled in {outcome.kills} kills",
        must=0,
        aim=0,
        better="lower",
        conditions={
            "calls": sum(outcome.results.values()),
            "results": dict(outcome.results),
            "kills_while_talking": outcome.kills_while_talking,
            "lost": outcome.lost,
            "doubled": outcome.doubled,
            "speakers": "two by HTTP on loopback, 0.05 to 0.5 s a call",
        },
        machine=describe_machine(),
        commit=describe_commit(),
    )


def kill_while_talking(data: DataDir, kills: int, seed: int) -> Outcome:
    """Run the announce program over warnings as they come, killed that many times.

    Raises:
        WrongOutputs: the program did not come up, or ended in another way.
    """
    chance, outcome = random.Random(seed), Outcome()
    of_horns = random.Random(seed + 1)

    def talks() -> float:
        return of_horns.uniform(*TALKS_S)

    with ExitStack() as stack:
        horns = [stack.enter_context(network_speaker(hangs_s=talks)) for _ in range(2)]
        command = _command(data, horns)
        log = stack.enter_context(EventLog.open(data.events_db))
        for number in range(kills):
            warn(log, number)
            program = _start(command, data)
            _wait_for_beat(program, data)
            if chance.random() < 0.8:
                _wait_for_a_call(horns)
            time.sleep(chance.uniform(0, 0.4))
            outcome.kills_while_talking += any(horn.talking for horn in horns)
            program.kill()
            program.wait()
            outcome.kills += 1
        warn(log, kills)  # these are left alone
        program = _start(command, data)
        _wait_for_beat(program, data)
        program.send_signal(signal.SIGUSR1)
        if code := program.wait(300):
            raise WrongOutputs(f"the announcer ended with {code}:\n{_tail(data)}")
        compare(log, data, horns, outcome)
    return outcome


def warn(log: EventLog, number: int) -> None:
    """Let some live warnings come due on both cameras, each with words of its own."""
    for place in range(WARNINGS_A_KILL):
        each = number * WARNINGS_A_KILL + place
        camera = ("gate", "yard")[place % 2]
        words = BothLanguages(zh=f"{each}", en=f"{each}")
        log.append([warned_event(each, camera, datetime.now(UTC), words)])


def compare(log: EventLog, data: DataDir, horns: list[Horn], outcome: Outcome) -> None:
    """Hold the log against what the speakers were given."""
    events = [logged.event for logged in read_all(log)]
    made = [each.data for each in events if isinstance(each.data, AnnouncementMade)]
    warned = Counter(each.id for each in events if isinstance(each.data, OffenceWarned))
    tally = Tally()
    tally.compare("call", warned, Counter(each.warned_event_id for each in made))
    heard = heard_times(data.announcements, (body for horn in horns for body in horn.sounds))
    check_heard(made, heard, tally)
    outcome.results = Counter(each.result for each in made)
    outcome.lost += [words for _, words in tally.lost]
    outcome.doubled += [words for _, words in tally.doubled]


def _command(data: DataDir, horns: list[Horn]) -> list[str]:
    site_file = data.root / "site.yaml"
    data.root.mkdir(parents=True, exist_ok=True)
    site_file.write_text(json.dumps(_site(horns), ensure_ascii=False))
    apply_file(site_file, data)
    settings = ProgramSettings(data, "127.0.0.1:1", until_end=False, shows_live=False)
    return [sys.executable, "-m", "forewarn.programs.announce", *settings.to_argv()]


def _site(horns: list[Horn]) -> dict[str, Any]:
    names = {"zh": "名", "en": "Name"}
    cameras = ("gate", "yard")
    return {
        "site": {"id": "campus", "title": names},
        "cameras": [
            {
                "id": camera,
                "title": names,
                "url": f"rtsp://{camera}.invalid/",  # live; the announcer opens none
                "speaker": f"horn-{camera}",
            }
            for camera in cameras
        ],
        "speakers": [
            {"id": f"horn-{camera}", "kind": "http", "url": horn.url}
            for camera, horn in zip(cameras, horns, strict=True)
        ],
        # none is to be too late: each kill takes the seconds of a start
        "calls": {"useful_for_s": 60},
    }


def _start(command: list[str], data: DataDir) -> subprocess.Popen[bytes]:
    (data.beats / "announce").unlink(missing_ok=True)
    with (data.root / "announce.log").open("ab") as output:
        return subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)


def _wait_for_beat(program: subprocess.Popen[bytes], data: DataDir) -> None:
    give_up_at = time.monotonic() + START_WITHIN_S
    while not (data.beats / "announce").exists():
        if program.poll() is not None or time.monotonic() > give_up_at:
            program.kill()
            raise WrongOutputs(f"the announcer did not come up:\n{_tail(data)}")
        time.sleep(0.01)


def _wait_for_a_call(horns: list[Horn]) -> None:
    give_up_at = time.monotonic() + CALL_WITHIN_S  # all may have been said before the kill
    while time.monotonic() < give_up_at and not any(horn.talking for horn in horns):
        time.sleep(0.005)


def _tail(data: DataDir) -> str:
    return (data.root / "announce.log").read_text(errors="replace")[-2000:]
