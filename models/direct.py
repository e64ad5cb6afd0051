"""Run a built model with OpenVINO in this process, without a server.

For checking what was built, and for the bound that serving is measured against. The product itself
always asks Triton.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from domain.errors import Stop
from models.building import GRAPH
from models.contract import Answer, Batches, Tensor, Tensors
from models.registry import TRITON_REPO, read_registry


class DirectInference:
    """Answers like a Connection (models/serving/connection.py), from the built files."""

    def __init__(self, triton_repo: Path = TRITON_REPO) -> None:
        self._triton_repo = triton_repo
        self._chunks = {each.triton_folder: each.served.chunk for each in read_registry().models}
        self._compiled: dict[tuple[str, int], Any] = {}

    def infer(self, model: str, given: Tensor, batches: Batches, wanted: Tensors) -> list[Answer]:
        """Answer each batch, in order; see Connection.infer."""
        return [self._answer(model, given, rows, wanted) for rows in batches]

    def _answer(
        self, model: str, given: Tensor, rows: Sequence[np.ndarray], wanted: Tensors
    ) -> Answer:
        """Cut a batch into inferences as the server's backend does: whole chunks, the rest one by one."""
        chunk, results, at = self._chunks.get(model, 1), [], 0
        while at < len(rows):
            size = chunk if len(rows) - at >= chunk else 1
            results.append(self._compile(model, given, size)(np.stack(rows[at : at + size])))
            at += size
        return {t.name: np.concatenate([result[t.name] for result in results]) for t in wanted}

    def _compile(self, model: str, given: Tensor, size: int) -> Any:
        if (model, size) not in self._compiled:
            made = compile_as_served(self._triton_repo / model, given, size)
            self._compiled[model, size] = made
        return self._compiled[model, size]


def compile_as_served(folder: Path, given: Tensor, size: int = 1) -> Any:
    """Compile a model of triton_repo for so many pictures at a time, a stream a core; Stop: not built."""
    import openvino as ov

    graph = folder / "1" / GRAPH
    if not graph.exists():
        raise Stop(f"{graph} is missing; run `forewarn models build {folder.name}`")
    core = ov.Core()
    model = core.read_model(graph)
    model.reshape({given.name: [size, *given.shape[1:]]})
    return core.compile_model(model, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"})
