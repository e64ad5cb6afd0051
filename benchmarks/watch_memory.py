"""Memory of one watch process with many cameras."""

from __future__ import annotations

from benchmarks.flow_cpu import check_events
from benchmarks.machine import describe_commit, describe_machine
from benchmarks.reference import work_out
from benchmarks.results import Result, Tell, quiet
from benchmarks.serving import detector_server
from benchmarks.watch_run import run_watch
from benchmarks.workload import scratch, write_site

NAME = "watch_memory"
CAMERAS = 16


def measure(*, long: bool = False, tell: Tell = quiet) -> Result:
    """Measure; raises WrongOutputs where the run did not write the expected events; `long` is the same."""
    with scratch(NAME) as folder, detector_server(folder) as server:
        site_file = write_site(folder / "site.yaml", CAMERAS)
        reference = work_out(site_file)
        tell(f"{CAMERAS} cameras")
        run = run_watch(site_file, CAMERAS, folder / "run", server)
        check_events(run, reference)
    return Result(
        name=NAME,
        value=round(run.peak_rss_mb, 1),
        unit="MB",
        must=900,
        aim=500,
        better="lower",
        conditions={
            "cameras": CAMERAS,
            "picture": "768x576",
            "frames_analysed": run.analysed,
            "counted": "peak resident set of the watch process (VmHWM); it has no children",
            "off": "live view; the Triton server is another process and not counted",
            "on": "recovery (epoch 1 s), durable event log",
        },
        machine=describe_machine(),
        commit=describe_commit(),
        also={
            "peak_pss_mb": round(run.peak_pss_mb, 1),
            "mb_per_camera_at_most": round(run.peak_rss_mb / CAMERAS, 1),
            "wall_s": round(run.wall_s, 1),
            "offences": run.offences,
        },
    )
