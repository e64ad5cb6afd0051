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
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.results import ROOT, Result, Tell, WrongOutputs, quiet
from domain.announcements import AnnouncementMade
from domain.data_dir import DataDir
from domain.facts import BothLanguages
from event_log.examples import warned_event
from event_log.log import EventLog
from forewarn.programs.settings import ProgramSettings

WARNINGS_A_KILL = 2  # more would only wait, for each call is given the time it takes
SHORT_KILLS, LONG_KILLS = 10, 50
START_WITHIN_S = 60.0
CALL_WITHIN_S = 5.0
TOLD_APART_BYTES = 20_000  # the words begin with a number, so that a call cut off is still known


@dataclass
class Horn:
    """A speaker, and what it was given: whole sounds and broken-off ones."""

    url: str = ""
    talking: int = 0
    heard: list[bytes] = field(default_factory=list)


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
    with ExitStack() as stack:
        horns = [stack.enter_context(_horn(random.Random(seed + n))) for n in range(2)]
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
    """Some live warnings come due on both cameras, each with words of its own."""
    for place in range(WARNINGS_A_KILL):
        each = number * WARNINGS_A_KILL + place
        camera = ("gate", "yard")[place % 2]
        words = BothLanguages(zh=f"{each}", en=f"{each}")
        log.append([warned_event(each, camera, datetime.now(UTC), words)])


def compare(log: EventLog, data: DataDir, horns: list[Horn], outcome: Outcome) -> None:
    """Hold the log against what the speakers were given."""
    warned, made = [], []
    after = 0
    while page := log.read(after_seq=after, limit=1000):
        after = page[-1].seq
        for logged in page:
            if isinstance(logged.event.data, AnnouncementMade):
                made.append(logged.event.data)
            else:
                warned.append(logged.event.id)
    known = Counter(each.warned_event_id for each in made)
    outcome.results = Counter(each.result for each in made)
    outcome.lost += [f"no announcement for {each}" for each in warned if not known[each]]
    outcome.doubled += [f"{n} announcements for {each}" for each, n in known.items() if n > 1]
    heard = _heard_times(data, horns)
    outcome.doubled += [f"{each} was heard {n} times" for each, n in heard.items() if n > 1]
    for each in made:
        was_heard = heard[each.warned_event_id] > 0
        if each.result == "played" and not was_heard:
            outcome.lost.append(f"{each.warned_event_id} is recorded as played, nobody heard it")
        if was_heard and each.result not in ("played", "timed out", "unknown whether played"):
            outcome.lost.append(f"{each.warned_event_id} was heard, recorded as {each.result}")


def _heard_times(data: DataDir, horns: list[Horn]) -> Counter[str]:
    """Warned event id -> how often its sound, or the beginning of it, reached a speaker."""
    sounds = {path.stem: path.read_bytes() for path in data.announcements.rglob("*.wav")}
    heard: Counter[str] = Counter()
    for body in (body for horn in horns for body in horn.heard):
        fits = [event_id for event_id, sound in sounds.items() if sound.startswith(body)]
        if len(fits) == 1:
            heard[fits[0]] += 1
        elif len(body) > TOLD_APART_BYTES or not fits:
            raise WrongOutputs(f"a sound of {len(body)} bytes fits {len(fits)} calls")
    return heard


@contextmanager
def _horn(chance: random.Random) -> Iterator[Horn]:
    horn = Horn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            horn.talking += 1
            try:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if body:
                    horn.heard.append(body)
                time.sleep(chance.uniform(0.05, 0.5))
                self.send_response(200)
                self.end_headers()
            finally:
                horn.talking -= 1

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
    horn.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield horn
    finally:
        server.shutdown()
        server.server_close()


def _command(data: DataDir, horns: list[Horn]) -> list[str]:
    site_file = data.root / "site.yaml"
    data.root.mkdir(parents=True, exist_ok=True)
    site_file.write_text(json.dumps(_site(horns), ensure_ascii=False))
    settings = ProgramSettings(site_file, data, "127.0.0.1:1", until_end=False, shows_live=False)
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
