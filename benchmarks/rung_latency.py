"""From a frame to the call that it makes due: live-paced cameras on a machine under 80 % load.

First the real watch program plays the same cameras as fast as the machine allows: that is 100 %.
Then it plays them live, at the frame rate that makes 80 % of it, and a follower of the event log
notes when it sees each rung. The time runs from the moment in which the frame was there to be read
(`sighting.at`) to the moment in which another process sees the event: safely written, ready for the
loudspeaker.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.paced_site import CLIP_FPS, retime, write_paced_site
from benchmarks.processes import machine_cpu_s, own_cpu_s, tree_cpu_s
from benchmarks.results import ROOT, Result, Tell, WrongOutputs, quiet
from benchmarks.serving import detector_server, pictures_answered
from benchmarks.side_by_side import QUIET_SHARE
from benchmarks.watch_run import PROGRAM, run_watch
from benchmarks.workload import scratch, write_site
from domain.data_dir import DataDir
from domain.errors import TryAgain
from domain.events.catalog import OffenceWarned, expect_event
from event_log.log import EventLog
from forewarn.programs.settings import ProgramSettings
from forewarn.site.put_in_force import apply_file
from models.serving.server import TritonServer

CAMERAS = 8
LOAD = 0.80
SETTLE_S = 10.0  # not counted: readers start, the first frames wait for each other
SHORT_S, LONG_S = 50.0, 240.0
LOOK_EVERY_S = 0.004
LEAST_RUNGS = 40
LEAST_ANALYSED = 0.97  # of the frames that were due; a flow that drops frames is overloaded
STOP_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class PacedRun:
    """One run, its first SETTLE_S left out."""

    waits_ms: tuple[float, ...]  # frame there to rung seen, one for each rung
    analysed_share: float  # of the frames that were due
    busy_share: float  # of the machine's CPU, watch program and server
    others_share: float


class _Follower(threading.Thread):
    """Notes when each rung is first seen by another process than the one that wrote it."""

    def __init__(self, events_db: Path) -> None:
        super().__init__(name="follower", daemon=True)
        self._events_db = events_db
        self._stopped = threading.Event()
        self.seen: list[tuple[datetime, float]] = []  # (frame's time, ms until seen)

    def run(self) -> None:
        with EventLog.open(self._events_db) as log:
            after = 0
            while not self._stopped.wait(LOOK_EVERY_S):
                if log.last_seq() == after:
                    continue
                page = log.read_page(after, {OffenceWarned.event_type})
                now, after = datetime.now(UTC), page.scanned_to
                for logged in page.events:
                    frame_at = expect_event(logged.event, OffenceWarned).data.sighting.at
                    self.seen.append((frame_at, 1e3 * (now - frame_at).total_seconds()))

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def measure(*, long: bool = False, tell: Tell = quiet) -> list[Result]:
    """Return two results, median and 95th percentile.

    Raises:
        WrongOutputs: too few rungs came, or frames were dropped.
        TryAgain: the machine was not quiet; there is no figure then.
    """
    with scratch("rung_latency") as folder, detector_server(folder) as server:
        tell("how much is 100 %?")
        capacity_fps = _capacity_fps(folder, server)
        fps = round(LOAD * capacity_fps / CAMERAS, 2)
        clip = retime(folder / "paced.mp4", fps)
        site_file = write_paced_site(folder / "paced.yaml", clip, CAMERAS, fps)
        run_s = LONG_S if long else SHORT_S
        tell(f"{CAMERAS} cameras at {fps:g} frames a second for {run_s:.0f} s")
        run = _run_paced(site_file, folder / "paced", server, CAMERAS * fps, run_s)
    if len(run.waits_ms) < LEAST_RUNGS:
        raise WrongOutputs(f"needs {LEAST_RUNGS} rungs to speak of, got {len(run.waits_ms)}")
    if run.others_share > QUIET_SHARE:
        raise TryAgain(
            f"needs a machine of which other processes take at most {QUIET_SHARE:.0%}, they took "
            f"{run.others_share:.0%}; try again when nothing else runs"
        )
    if run.analysed_share < LEAST_ANALYSED:
        raise WrongOutputs(
            f"only {run.analysed_share:.1%} of the frames due were analysed ({CAMERAS} cameras at "
            f"{fps:g} frames a second); the program and the server used {run.busy_share:.0%} of the "
            f"machine, others {run.others_share:.0%}"
        )
    return [
        _result("rung_latency_p50", 50, 300, 120, run, capacity_fps, fps),
        _result("rung_latency_p95", 95, 800, 300, run, capacity_fps, fps),
    ]


def _capacity_fps(folder: Path, server: TritonServer) -> float:
    """Measure frames a second of the same program, every frame of the clip analysed, as fast as it goes."""
    site_file = write_site(folder / "fast.yaml", cameras=2)
    every_frame = site_file.read_text().replace('"analyse_fps": 5.0', f'"analyse_fps": {CLIP_FPS}')
    site_file.write_text(every_frame)
    run = run_watch(site_file, 2, folder / "fast", server, analysed_per_camera=795)
    return run.analysed / run.wall_s


def _run_paced(
    site_file: Path, folder: Path, server: TritonServer, due_fps: float, run_s: float
) -> PacedRun:
    folder.mkdir()
    data = DataDir(folder)
    with live_program(site_file, data, server) as process:
        follower = _Follower(data.events_db)
        follower.start()
        time.sleep(SETTLE_S)
        counted_from, began_s = datetime.now(UTC), time.perf_counter()
        answered = pictures_answered(server.address)
        ours_s, machine_s = _cpu_s(process.pid, server.pid), machine_cpu_s()
        looked_s = own_cpu_s()
        time.sleep(run_s)
        took_s = time.perf_counter() - began_s
        answered = pictures_answered(server.address) - answered
        ours_s = _cpu_s(process.pid, server.pid) - ours_s
        looked_s = own_cpu_s() - looked_s  # the follower's, who stands in for the loudspeaker
        machine_s = machine_cpu_s() - machine_s
        if process.poll() is not None:
            raise WrongOutputs(f"the watch program ended by itself with {process.returncode}")
        follower.stop()
    cores = os.cpu_count() or 1
    return PacedRun(
        tuple(ms for at, ms in follower.seen if at >= counted_from),
        answered / (due_fps * took_s),
        ours_s / (took_s * cores),
        (machine_s - ours_s - looked_s) / (took_s * cores),
    )


@contextmanager
def live_program(
    site_file: Path, data: DataDir, server: TritonServer
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the watch program live; it is ended as the supervisor ends it, and must end well."""
    apply_file(site_file, data)
    settings = ProgramSettings(data, server.address, until_end=False, shows_live=False)
    with (data.root / "watch.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", PROGRAM, *settings.to_argv()], cwd=ROOT, stdout=log, stderr=log
        )
        try:
            _wait_for(data.beats / "watch", process)
            yield process
            process.send_signal(signal.SIGTERM)
            if process.wait(STOP_WITHIN_S) != 0:
                raise WrongOutputs(f"the watch program ended with {process.returncode}")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _wait_for(beat: Path, process: subprocess.Popen[bytes]) -> None:
    give_up_s = time.monotonic() + STOP_WITHIN_S
    while not beat.exists():
        if process.poll() is not None or time.monotonic() > give_up_s:
            raise WrongOutputs(f"the watch program did not begin (exit status {process.poll()})")
        time.sleep(0.05)


def _cpu_s(*pids: int) -> float:
    return sum(tree_cpu_s(pid) for pid in pids)


def _result(
    name: str, percent: int, must: float, aim: float, run: PacedRun, capacity: float, fps: float
) -> Result:
    return Result(
        name=name,
        value=round(float(np.percentile(run.waits_ms, percent)), 1),
        unit="ms",
        must=must,
        aim=aim,
        better="lower",
        conditions={
            "cameras": CAMERAS,
            "picture": "768x576",
            "paced": "from files, live; a frame is decoded by the time that it is there",
            "load": f"{LOAD:.0%} of {capacity:.0f} frames a second",
            "analyse_fps": fps,
            "rungs": len(run.waits_ms),
            "counted": "frame there -> event seen by another process",
            "off": "live view, speech, evidence",
            "on": "recording, recovery (epoch 1 s), durable event log",
        },
        machine=describe_machine(),
        commit=describe_commit(),
        also={
            "worst_ms": round(max(run.waits_ms), 1),
            "analysed_share": round(run.analysed_share, 3),
            "busy_share": round(run.busy_share, 3),
            "others_share": round(run.others_share, 3),
        },
    )
