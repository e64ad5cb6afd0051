"""Raw asynchronous throughput of a built model: the bound that serving is measured against."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Throughput:
    """Times of a run of raw inference."""

    pictures: int
    wall_ms: float  # per picture
    cpu_ms: float  # per picture, of this process


def raw_throughput(compiled: Any, rows: Sequence[np.ndarray], pictures: int) -> Throughput:
    """Time asynchronous inference with nothing around it: the bound for any server.

    Args:
        compiled: from compile_as_served().
        rows: pictures as the model takes them, without the batch; used round and round.
        pictures: how many to answer.
    """
    import openvino as ov

    inputs = [np.ascontiguousarray(row[None]) for row in rows]
    requests = ov.AsyncInferQueue(compiled, 0)
    cpu_before, before = _cpu_s(), time.perf_counter()
    for number in range(pictures):
        requests.start_async([inputs[number % len(inputs)]], share_inputs=True)
    requests.wait_all()
    wall_s, cpu_s = time.perf_counter() - before, _cpu_s() - cpu_before
    return Throughput(pictures, wall_s / pictures * 1e3, cpu_s / pictures * 1e3)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
