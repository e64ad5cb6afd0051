"""One pass of the real watch program over files: what it cost, what it held, what it wrote."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.processes import count_children, machine_cpu_s, peak_rss_mb, pss_mb, tree_cpu_s
from benchmarks.results import ROOT, WrongOutputs
from benchmarks.serving import pictures_answered
from benchmarks.workload import ANALYSED_PER_CAMERA, CLIP_FRAMES
from domain.data_dir import DataDir
from domain.events.catalog import CameraChanged, OffenceOpened, SiteApplied
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from forewarn.programs.settings import ProgramSettings
from forewarn.site.put_in_force import apply_file
from models.serving.server import TritonServer

PROGRAM = "forewarn.programs.watch"
GIVE_UP_AFTER_S = 300.0
LOOK_EVERY_S = 0.02
LOOK_AT_PSS_EVERY_S = 0.5  # the kernel walks all pages for it


@dataclass(frozen=True, slots=True)
class WatchRun:
    """All begins when the flow first asks its cameras, imports being done. Wall time ends when the
    last event is safely in the log; CPU seconds end with the process."""

    analysed: int  # frames, by the server's count
    start_up_s: float
    wall_s: float
    watch_cpu_s: float
    server_cpu_s: float  # tritonserver and the processes below it
    others_share: float  # part of the machine that went to other processes meanwhile
    peak_rss_mb: float
    peak_pss_mb: float
    event_ids: frozenset[str]
    camera_event_ids: frozenset[str]  # news of cameras and of the site, among them
    offences: int

    @property
    def cpu_ms(self) -> float:
        """Return milliseconds of both processes, per analysed frame."""
        return 1e3 * (self.watch_cpu_s + self.server_cpu_s) / self.analysed


def run_watch(
    site_file: Path,
    cameras: int,
    folder: Path,
    server: TritonServer,
    analysed_per_camera: int = ANALYSED_PER_CAMERA,
) -> WatchRun:
    """Run it to the end of the footage, in a data folder of its own, without the live view.

    Raises:
        WrongOutputs: it failed, or did not read and analyse every frame of every camera.
    """
    data = DataDir(folder)
    apply_file(site_file, data, plays_footage=True)
    settings = ProgramSettings(data, server.address, until_end=True, shows_live=False)
    answered = pictures_answered(server.address)
    with (folder / "watch.log").open("wb") as log:
        began_s = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", PROGRAM, *settings.to_argv()],
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    try:
        flowing_at, seen = _follow(process, data.beats / "watch", began_s, server.pid)
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        tail = (folder / "watch.log").read_text(errors="replace")[-800:]
        raise WrongOutputs(f"the watch program ended with {process.returncode}: {tail}")
    analysed = pictures_answered(server.address) - answered
    events = _read_all(data.events_db)
    _check(events, cameras, analysed, analysed_per_camera)
    last_at = max(each.recorded_at for each in events)
    return WatchRun(
        analysed=analysed,
        wall_s=(last_at - flowing_at).total_seconds(),
        event_ids=frozenset(each.event.id for each in events),
        camera_event_ids=frozenset(
            each.event.id
            for each in events
            if isinstance(each.event.data, CameraChanged | SiteApplied)
        ),
        offences=sum(isinstance(each.event.data, OffenceOpened) for each in events),
        **seen,
    )


def _follow(
    process: subprocess.Popen[bytes], beat: Path, began_s: float, server_pid: int
) -> tuple[datetime, dict[str, float]]:
    """Watch the process until it ends, and fill in its return code; when its work began."""
    rss_mb = pss_peak_mb = 0.0
    flowing_s, flowing_at = 0.0, datetime.now(UTC)
    own_s = server_s = machine_s = next_pss_s = 0.0
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        now_s = time.perf_counter()
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            break
        if not flowing_s and beat.exists():
            flowing_s, flowing_at = now_s, datetime.now(UTC)
            own_s, server_s = tree_cpu_s(process.pid), tree_cpu_s(server_pid)
            machine_s = machine_cpu_s()
            if count_children(process.pid):
                raise WrongOutputs("the watch program has child processes that are not counted")
        if now_s >= next_pss_s:
            next_pss_s = now_s + LOOK_AT_PSS_EVERY_S
            pss_peak_mb = max(pss_peak_mb, pss_mb(process.pid))
        rss_mb = max(rss_mb, peak_rss_mb(process.pid))
        if now_s - began_s > GIVE_UP_AFTER_S:
            raise WrongOutputs(f"the watch program did not end within {GIVE_UP_AFTER_S:.0f} s")
        time.sleep(LOOK_EVERY_S if flowing_s else LOOK_EVERY_S / 4)
    watch_cpu_s = usage.ru_utime + usage.ru_stime - own_s
    server_cpu_s = tree_cpu_s(server_pid) - server_s
    others_s = machine_cpu_s() - machine_s - watch_cpu_s - server_cpu_s
    return flowing_at, {
        "start_up_s": flowing_s - began_s,
        "watch_cpu_s": watch_cpu_s,
        "server_cpu_s": server_cpu_s,
        "others_share": others_s / ((now_s - flowing_s) * (os.cpu_count() or 1)),
        "peak_rss_mb": rss_mb,
        "peak_pss_mb": pss_peak_mb,
    }


def _read_all(events_db: Path) -> list[LoggedEvent]:
    with EventLog.open(events_db) as log:
        return log.read(limit=1_000_000)


def _check(
    events: list[LoggedEvent], cameras: int, analysed: int, analysed_per_camera: int
) -> None:
    ended = [
        each.event.data.frames_read
        for each in events
        if isinstance(each.event.data, CameraChanged) and each.event.data.status == "ended"
    ]
    if ended != [CLIP_FRAMES] * cameras:
        raise WrongOutputs(f"{cameras} cameras should end after {CLIP_FRAMES} frames, got {ended}")
    if analysed != cameras * analysed_per_camera:
        raise WrongOutputs(
            f"the server should have answered {cameras} x {analysed_per_camera} pictures, "
            f"by its own count it answered {analysed}"
        )
    if not any(isinstance(each.event.data, OffenceOpened) for each in events):
        raise WrongOutputs("the sample clip has offences, the watch program opened none")
