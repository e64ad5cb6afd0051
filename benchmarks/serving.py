"""The Triton server that benchmarks ask: the detector alone, proved and warm."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.registry import read_registry
from models.serving.client import Connection, connect
from models.serving.server import TritonServer

DETECTOR = "detector"


@contextmanager
def detector_server(folder: Path) -> Iterator[TritonServer]:
    """Start a server of our own; raises Stop where its environment or the models are missing."""
    with TritonServer(folder / "triton", models=(DETECTOR,)) as server:
        server.wait_ready()
        with connect(server.address) as connection:
            warm_up(connection)
        yield server


def warm_up(connection: Connection, batches: int = 6) -> None:
    """Let both ends reserve what they will need."""
    import numpy as np

    entry = read_registry().model(DETECTOR)
    rows = list(np.zeros((8, *entry.inputs[0].shape[1:]), np.uint8))
    connection.infer(entry.triton_folder, entry.inputs[0], [rows] * batches, entry.outputs[:3])


def pictures_answered(address: str) -> int:
    """Return how many pictures the server's detector has answered so far, by the server's own count."""
    with connect(address) as connection:
        statistics = connection.client.get_inference_statistics(DETECTOR, as_json=True)
    return sum(int(each.get("inference_count", 0)) for each in statistics["model_stats"])
