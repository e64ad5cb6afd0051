"""From an operator's command to its answer, on live-paced cameras: both as another process sees them.

The real watch program watches live; somebody takes each offence over as soon as it opens, and hands it
back. The time runs from the moment in which the command is asked for to the moment in which another
process sees the event of the move, safely written.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.paced_site import retime, write_paced_site
from benchmarks.results import Result, Tell, WrongOutputs, quiet
from benchmarks.rung_latency import CAMERAS, LOOK_EVERY_S, SETTLE_S, live_program
from benchmarks.serving import detector_server
from benchmarks.workload import scratch
from domain.data_dir import DataDir
from domain.events.catalog import CommandRefused, OffenceHandedBack, OffenceOpened, OffenceTakenOver
from domain.events.commands import CommandKind
from event_log.commands import CommandRequest, find_answer, give_command
from event_log.log import EventLog
from models.serving.server import TritonServer

ANALYSE_FPS = 2.0
SHORT_S, LONG_S = 60.0, 240.0
LEAST_COMMANDS = 20
ANSWER_WITHIN_S = 10.0


@dataclass
class Operators:
    """Take over what opens, hand it back, and note how long each took."""

    log: EventLog
    waits_ms: list[float] = field(default_factory=list)
    refused: int = 0  # it had ended in the meantime
    _read_to: int = 0

    def work(self, until_s: float) -> None:
        """Keep busy until that moment of time.monotonic()."""
        while time.monotonic() < until_s:
            page = self.log.read_page(self._read_to, [OffenceOpened.event_type])
            self._read_to = page.scanned_to
            for each in page.events[-1:]:  # those before may have ended while one was answered
                self._ask(CommandKind.TAKE_OVER, each.event.subject)
                self._ask(CommandKind.HAND_BACK, each.event.subject)
                self.skip()
            time.sleep(LOOK_EVERY_S)

    def skip(self) -> None:
        """Leave alone what opened so far."""
        self._read_to = self.log.last_seq()

    def _ask(self, kind: CommandKind, offence_id: str) -> None:
        began_s = time.perf_counter()
        given = give_command(
            self.log, CommandRequest(kind, offence_id, "benchmark", "command line")
        )
        give_up_s = time.monotonic() + ANSWER_WITHIN_S
        while (answer := find_answer(self.log, given.id)) is None:
            if time.monotonic() > give_up_s:
                raise WrongOutputs(f"{kind.value} {offence_id}: no answer in {ANSWER_WITHIN_S:g} s")
            time.sleep(LOOK_EVERY_S)
        if isinstance(answer.event.data, CommandRefused):
            self.refused += 1
        else:
            self.waits_ms.append(1e3 * (time.perf_counter() - began_s))


def measure(*, long: bool = False, tell: Tell = quiet) -> list[Result]:
    """Return two results, median and 95th percentile.

    Raises:
        WrongOutputs: a command had no answer or two, or too few could be given.
    """
    with scratch("command_latency") as folder, detector_server(folder) as server:
        clip = retime(folder / "paced.mp4", ANALYSE_FPS)
        site_file = write_paced_site(folder / "paced.yaml", clip, CAMERAS, ANALYSE_FPS)
        run_s = LONG_S if long else SHORT_S
        tell(f"{CAMERAS} cameras at {ANALYSE_FPS:g} frames a second for {run_s:.0f} s")
        waits_ms, refused = _run(site_file, folder / "paced", server, run_s)
    if len(waits_ms) < LEAST_COMMANDS:
        raise WrongOutputs(f"needs {LEAST_COMMANDS} commands to speak of, got {len(waits_ms)}")
    return [
        _result("command_latency_p50", 50, 300, 120, waits_ms, refused),
        _result("command_latency_p95", 95, 800, 300, waits_ms, refused),
    ]


def _run(
    site_file: Path, folder: Path, server: TritonServer, run_s: float
) -> tuple[list[float], int]:
    folder.mkdir()
    data = DataDir(folder)
    with live_program(site_file, data, server), EventLog.open(data.events_db) as log:
        time.sleep(SETTLE_S)
        operators = Operators(log)
        operators.skip()
        operators.work(time.monotonic() + run_s)
    _check(data)
    return operators.waits_ms, operators.refused


def _check(data: DataDir) -> None:
    """Check that every command has one answer, and nothing answers what was not asked."""
    with EventLog.open(data.events_db) as log:
        events = [each.event for each in log.read(limit=1_000_000)]
    given = [each.id for each in events if each.id.startswith("cmd-")]
    kinds = (OffenceTakenOver, OffenceHandedBack)
    moves = [each.data.by_hand for each in events if isinstance(each.data, kinds)]
    answers = [each.command_id for each in moves if each is not None]
    answers += [e.data.command_id for e in events if isinstance(e.data, CommandRefused)]
    if sorted(given) != sorted(answers):
        raise WrongOutputs(f"{len(given)} commands should have one answer each, got {len(answers)}")


def _result(
    name: str, percent: int, must: float, aim: float, waits_ms: list[float], refused: int
) -> Result:
    return Result(
        name=name,
        value=round(float(np.percentile(waits_ms, percent)), 1),
        unit="ms",
        must=must,
        aim=aim,
        better="lower",
        conditions={
            "cameras": CAMERAS,
            "analyse_fps": ANALYSE_FPS,
            "picture": "768x576",
            "paced": "from files, live",
            "commands": len(waits_ms),
            "refused": refused,
            "counted": "asked for -> answer seen by another process",
            "off": "live view, speech, evidence",
            "on": "recording, recovery (epoch 1 s), durable event log",
        },
        machine=describe_machine(),
        commit=describe_commit(),
        also={"worst_ms": round(max(waits_ms), 1)},
    )
