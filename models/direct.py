"""Run a built model with OpenVINO in this process, without a server.

For checking what was built, and for the bound that serving is measured against: raw asynchronous
throughput of the same file. The product itself always asks Triton.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from domain.errors import Stop
from models.building import GRAPH
from models.registry import TRITON_REPO, Tensor


class DirectInference:
    """Answers like a Connection (models/serving/connection.py), from the built files."""

    def __init__(self, triton_repo: Path = TRITON_REPO) -> None:
        self._triton_repo = triton_repo
        self._compiled: dict[str, Any] = {}

    def infer(
        self,
        model: str,
        given: Tensor,
        batches: Sequence[Sequence[np.ndarray]],
        wanted: Sequence[Tensor],
    ) -> list[dict[str, np.ndarray]]:
        """Answer each batch, in order; see Connection.infer."""
        compiled = self._compile(model, given)
        answers = []
        for rows in batches:
            results = [compiled(row[None]) for row in rows]
            answers.append(
                {t.name: np.concatenate([result[t.name] for result in results]) for t in wanted}
            )
        return answers

    def _compile(self, model: str, given: Tensor) -> Any:
        if model not in self._compiled:
            self._compiled[model] = compile_as_served(self._triton_repo / model, given)
        return self._compiled[model]


def compile_as_served(folder: Path, given: Tensor) -> Any:
    """Compile a built model for one picture at a time, with a stream for each core.

    Args:
        folder: of the model in triton_repo.
        given: its input.
    Raises:
        Stop: it is not built.
    """
    import openvino as ov

    graph = folder / "1" / GRAPH
    if not graph.exists():
        raise Stop(f"{graph} is missing; run `forewarn models build {folder.name}`")
    core = ov.Core()
    model = core.read_model(graph)
    model.reshape({given.name: [1, *given.shape[1:]]})
    return core.compile_model(model, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"})


@dataclass(frozen=True, slots=True)
class Throughput:
    """How fast pictures were answered."""

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
