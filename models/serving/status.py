"""Ask a Triton server about itself and its models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tritonclient.utils import InferenceServerException

from models.serving.connection import Connection
from models.serving.failures import as_forewarn_error


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model in the server's repository."""

    name: str
    version: str
    state: str  # READY, UNAVAILABLE, LOADING, UNLOADING
    reason: str
    requests: int
    failures: int
    pictures: int
    mean_batch: float  # pictures in one execution
    waiting_ms: float  # mean, of a request in the queue
    answering_ms: float  # mean, of a request in the model


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """The server and its models."""

    address: str
    version: str
    models: tuple[ModelStatus, ...]


def read_status(connection: Connection) -> ServerStatus:
    """Ask a server about itself and its models; TryAgain where it does not answer."""
    client, deadline_s = connection.client, connection.deadline_s
    try:
        version = client.get_server_metadata(client_timeout=deadline_s).version
        index = client.get_model_repository_index(client_timeout=deadline_s).models
        counted = {
            stats.name: stats
            for stats in client.get_inference_statistics(client_timeout=deadline_s).model_stats
        }
    except InferenceServerException as error:
        raise as_forewarn_error(error, connection.address, "(status)", deadline_s) from error
    models = tuple(
        _model_status(entry, counted.get(entry.name))
        for entry in sorted(index, key=lambda entry: str(entry.name))
    )
    return ServerStatus(connection.address, version, models)


def _model_status(entry: Any, stats: Any) -> ModelStatus:
    success = stats.inference_stats.success.count if stats else 0
    waited_ns = stats.inference_stats.queue.ns if stats else 0
    worked_ns = stats.inference_stats.compute_infer.ns if stats else 0
    executions = stats.execution_count if stats else 0
    pictures = stats.inference_count if stats else 0
    return ModelStatus(
        name=entry.name,
        version=entry.version,
        state=entry.state,
        reason=entry.reason,
        requests=success,
        failures=stats.inference_stats.fail.count if stats else 0,
        pictures=pictures,
        mean_batch=round(pictures / max(1, executions), 2),
        waiting_ms=round(waited_ns / max(1, success) / 1e6, 2),
        answering_ms=round(worked_ns / max(1, success) / 1e6, 2),
    )


def why_not_loaded(connection: Connection) -> dict[str, str]:
    """Return the models that the server was to load and could not, and why; TryAgain: it does not answer."""
    try:
        index = connection.client.get_model_repository_index(client_timeout=connection.deadline_s)
    except InferenceServerException as error:
        raise as_forewarn_error(
            error, connection.address, "(status)", connection.deadline_s
        ) from error
    ready = {model.name for model in index.models if model.state == "READY"}
    return {
        model.name: model.reason
        for model in index.models
        if model.reason and model.name not in ready
    }
