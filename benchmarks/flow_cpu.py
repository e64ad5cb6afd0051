"""The whole watch flow beside its bound: how much CPU is spent on anything but the work itself?

The bound decodes the same clips, shrinks the same frames and answers them with raw OpenVINO. The
flow is the real program with the real server: both processes' CPU seconds count.
"""

from __future__ import annotations

from statistics import median

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.raw import Cost, RawInference, compile_detector, time_decode_and_inference
from benchmarks.reference import Reference, work_out
from benchmarks.results import Result, Tell, WrongOutputs, quiet, rounds_of
from benchmarks.serving import detector_server
from benchmarks.watch_run import WatchRun, run_watch
from benchmarks.workload import CLIP, scratch, write_site

NAME = "flow_cpu"
CAMERAS = 4
ROUNDS, LONG_ROUNDS = 3, 9


def measure(*, long: bool = False, tell: Tell = quiet) -> Result:
    """Measure; raises WrongOutputs where a run did not write the expected events."""
    inference = RawInference(compile_detector())
    with scratch(NAME) as folder, detector_server(folder) as server:
        site_file = write_site(folder / "site.yaml", CAMERAS)
        reference = work_out(site_file)
        rounds = []
        for number in rounds_of(LONG_ROUNDS if long else ROUNDS, tell):
            run = run_watch(site_file, CAMERAS, folder / f"run-{number}", server)
            check_events(run, reference)
            bound = time_decode_and_inference(inference, [CLIP] * CAMERAS)
            if bound.frames != run.analysed:
                raise WrongOutputs(f"the bound took {bound.frames} frames, the flow {run.analysed}")
            rounds.append((run, bound))
    return _summarise(rounds)


def check_events(run: WatchRun, reference: Reference) -> None:
    """Raise WrongOutputs unless exactly the expected events of offences were written."""
    written = run.event_ids - run.camera_event_ids
    if written != reference.offence_event_ids:
        raise WrongOutputs(
            f"expected {len(reference.offence_event_ids)} events of offences, got {len(written)}, "
            f"{len(written & reference.offence_event_ids)} of them expected"
        )


def _summarise(rounds: list[tuple[WatchRun, Cost]]) -> Result:
    analysed = rounds[0][0].analysed
    return Result(
        name=NAME,
        value=round(median(bound.cpu_ms / run.cpu_ms for run, bound in rounds), 3),
        unit="x frames per CPU-second of the bound",
        must=0.80,
        aim=0.92,
        better="higher",
        conditions={
            "cameras": CAMERAS,
            "frames_analysed": analysed,
            "rounds": len(rounds),
            "counted": "watch process and Triton server, after imports, to the process's end",
            "off": "live view, speech, evidence",
            "on": "recovery (epoch 1 s), durable event log",
        },
        machine=describe_machine(),
        commit=describe_commit(),
        also={
            "flow_cpu_ms": round(median(run.cpu_ms for run, _ in rounds), 2),
            "watch_cpu_ms": round(median(1e3 * r.watch_cpu_s / r.analysed for r, _ in rounds), 2),
            "server_cpu_ms": round(median(1e3 * r.server_cpu_s / r.analysed for r, _ in rounds), 2),
            "bound_cpu_ms": round(median(bound.cpu_ms for _, bound in rounds), 2),
            "wall_ratio_to_bound": round(
                median(run.wall_s / bound.wall_s for run, bound in rounds), 3
            ),
            "start_up_s": round(median(run.start_up_s for run, _ in rounds), 2),
        },
    )
