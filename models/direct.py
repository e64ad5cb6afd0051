"""Run a built model with OpenVINO in this process, without a server.

For checking what was built, and for the bound that serving is measured against. The product itself
always asks Triton.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from domain.errors import Stop
from models.building import GRAPH
from models.registry import TRITON_REPO, Answer, Batches, Tensor, Tensors


class DirectInference:
    """Answers like a Connection (models/serving/connection.py), from the built files."""

    def __init__(self, triton_repo: Path = TRITON_REPO) -> None:
        self._triton_repo = triton_repo
        self._compiled: dict[str, Any] = {}

    def infer(self, model: str, given: Tensor, batches: Batches, wanted: Tensors) -> list[Answer]:
        """Answer each batch, in order; see Connection.infer."""
        if model not in self._compiled:
            self._compiled[model] = compile_as_served(self._triton_repo / model, given)
        compiled, answers = self._compiled[model], []
        for rows in batches:
            results = [compiled(row[None]) for row in rows]
            answers.append(
                {t.name: np.concatenate([result[t.name] for result in results]) for t in wanted}
            )
        return answers


def compile_as_served(folder: Path, given: Tensor) -> Any:
    """Compile a model of triton_repo for one picture at a time, a stream a core; Stop: not built."""
    import openvino as ov

    graph = folder / "1" / GRAPH
    if not graph.exists():
        raise Stop(f"{graph} is missing; run `forewarn models build {folder.name}`")
    core = ov.Core()
    model = core.read_model(graph)
    model.reshape({given.name: [1, *given.shape[1:]]})
    return core.compile_model(model, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"})
