"""Triton end to end beside raw OpenVINO: what does asking a server cost?

Both answer the same frames of the sample clip, already shrunk, with the same graph and the same
hints, in turn within one run. Triton is asked as the watch flow asks it: its client, batches of 8,
two requests on the way, shared memory.
"""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import numpy as np

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.processes import own_cpu_s, tree_cpu_s
from benchmarks.raw import Cost, RawInference, compile_detector, sampled_squares, time_inference
from benchmarks.results import Result, Tell, WrongOutputs, quiet, rounds_of
from benchmarks.serving import DETECTOR, detector_server, warm_up
from benchmarks.workload import CLIP, scratch
from models.registry import read_registry
from models.serving.client import BATCH, Connection, connect

NAME = "triton_vs_raw"
ROUNDS, LONG_ROUNDS = 11, 41
FRAMES = 96
TOLERANCE = 1e-5  # of boxes and scores in [0, 1]; equal arithmetic gives 0


def measure(*, long: bool = False, tell: Tell = quiet) -> Result:
    """Measure; raises WrongOutputs where the two do not answer alike, Stop where there is no server."""
    squares = [square for square, _ in zip(sampled_squares(CLIP), range(FRAMES), strict=False)]
    compiled = compile_detector()
    inference = RawInference(compiled)
    with (
        scratch(NAME) as folder,
        detector_server(folder) as server,
        connect(server.address, shared_memory=True) as shared,
        connect(server.address, shared_memory=False) as bytes_in_request,
    ):
        warm_up(shared)
        warm_up(bytes_in_request)
        time_inference(inference, squares)
        rounds = []
        for number in rounds_of(LONG_ROUNDS if long else ROUNDS, tell):
            # in turn first and last, so that neither always gets the warmer caches
            if number % 2:
                asked = _time_triton(shared, server.pid, squares, inference)
                raw = time_inference(inference, squares)
            else:
                raw = time_inference(inference, squares)
                asked = _time_triton(shared, server.pid, squares, inference)
            by_bytes = _time_triton(bytes_in_request, server.pid, squares, inference)
            rounds.append((raw, asked, by_bytes))
    return _summarise(rounds, compiled)


_Asked = tuple[Cost, float, float]  # cost; CPU ms a frame of the client and of the server


def _time_triton(
    connection: Connection, server_pid: int, squares: list[np.ndarray], raw: RawInference
) -> _Asked:
    entry = read_registry().model(DETECTOR)
    batches = [squares[at : at + BATCH] for at in range(0, len(squares), BATCH)]
    wanted = entry.outputs[:3]
    client_s, server_s, began_s = own_cpu_s(), tree_cpu_s(server_pid), time.perf_counter()
    answers = connection.infer(entry.triton_folder, entry.inputs[0], batches, wanted)
    wall_s = time.perf_counter() - began_s
    client_s, server_s = own_cpu_s() - client_s, tree_cpu_s(server_pid) - server_s
    _check_same([np.concatenate([a[t.name] for a in answers]) for t in wanted], raw)
    per_frame = 1e3 / len(squares)
    cost = Cost(len(squares), wall_s, client_s + server_s)
    return cost, client_s * per_frame, server_s * per_frame


def _check_same(asked: list[np.ndarray], raw: RawInference) -> None:
    expected = [
        np.stack(rows) for rows in zip(*(raw.answers[n] for n in sorted(raw.answers)), strict=True)
    ]
    if not (expected[2] > 0.3).any():
        raise WrongOutputs(
            "the detector saw nobody in the sample clip; are the models built right?"
        )
    for name, got, want in zip(("boxes", "classes", "scores"), asked, expected, strict=True):
        worst = float(np.abs(got - want).max()) if got.shape == want.shape else float("inf")
        if not worst <= TOLERANCE:
            raise WrongOutputs(
                f"{name} of {len(want)} frames should be equal through Triton and without it, "
                f"differ by up to {worst:g}; do both environments hold the same OpenVINO?"
            )


def _summarise(rounds: list[tuple[Cost, _Asked, _Asked]], compiled: Any) -> Result:
    return Result(
        name=NAME,
        value=round(median(asked[0].wall_s / raw.wall_s for raw, asked, _ in rounds), 3),
        unit="x raw wall per frame",
        must=1.15,
        aim=1.0,
        better="lower",
        conditions={
            "frames": FRAMES,
            "rounds": len(rounds),
            "batch": BATCH,
            "in_flight": 2,
            "transport": "shared memory",
            "raw": "AsyncInferQueue, one picture a request",
            "hint": "THROUGHPUT",
            "precision": compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name(),
            "streams": int(compiled.get_property("NUM_STREAMS")),
        },
        machine=describe_machine(),
        commit=describe_commit(),
        also={
            "raw_wall_ms": round(median(raw.wall_ms for raw, _, _ in rounds), 2),
            "raw_cpu_ms": round(median(raw.cpu_ms for raw, _, _ in rounds), 2),
            "triton_wall_ms": round(median(asked[0].wall_ms for _, asked, _ in rounds), 2),
            "client_cpu_ms": round(median(asked[1] for _, asked, _ in rounds), 2),
            "server_cpu_ms": round(median(asked[2] for _, asked, _ in rounds), 2),
            "grpc_bytes_ratio": round(
                median(sent[0].wall_s / raw.wall_s for raw, _, sent in rounds), 3
            ),
            "grpc_bytes_client_cpu_ms": round(median(sent[1] for _, _, sent in rounds), 2),
            "grpc_bytes_server_cpu_ms": round(median(sent[2] for _, _, sent in rounds), 2),
        },
    )
