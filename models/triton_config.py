"""Write what Triton reads beside a built model, config.pbtxt, from the model's own model.toml.

It serves from forewarn's "openvino" backend and from the native one of a stock Triton container. The
native one compiles for exactly max_batch_size rows and refuses other batches unless it may pad them
(ENABLE_BATCH_PADDING); forewarn's takes any number up to it, and pads nothing.

One instance with a stream for each core: more instances cost memory and give nothing. Requests of few
rows are joined where they wait anyway, never held back for company. There is no queue policy, on
purpose: in Triton 2.51 any default_queue_policy makes the batcher miss wake-ups now and then, and
everything stands still for half a second (docs/explanation/serving.md). Queues stay short without it:
every client has two requests on the way at most, late ones among them.

CHUNK is read by forewarn's backend only. Answers must not depend on it to the last bit; the start-up
check asks (models/serving/check.py).
"""

from __future__ import annotations

from pathlib import Path

from domain.files import write_atomically
from models.contract import Tensor
from models.registry import ModelEntry

CONFIG = "config.pbtxt"
# see Priority in models/serving/connection.py
PRIORITIES = "priority_levels: 2 default_priority_level: 1"
_TYPES = {
    "uint8": "TYPE_UINT8",
    "int32": "TYPE_INT32",
    "int64": "TYPE_INT64",
    "float32": "TYPE_FP32",
}


def config_of(entry: ModelEntry) -> str:
    """Return the text of the model's config.pbtxt."""
    served = entry.served
    settings = {"PERFORMANCE_HINT": served.hint, "ENABLE_BATCH_PADDING": "YES"}
    if served.chunk > 1:
        settings["CHUNK"] = str(served.chunk)
    lines = [
        f"# Written by `forewarn models build` from {entry.file}; change that.",
        f'name: "{entry.triton_folder}"',
        'backend: "openvino"',
        f"max_batch_size: {served.max_batch}",
        *(f"input {_tensor(tensor, entry)}" for tensor in entry.inputs),
        *(f"output {_tensor(tensor, entry)}" for tensor in entry.outputs),
        "instance_group [ { count: 1 kind: KIND_CPU } ]",
        *([f"dynamic_batching {{ {PRIORITIES} }}"] if served.max_batch else []),
        "version_policy { latest { num_versions: 1 } }",
        *(
            f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}'
            for key, value in settings.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def has_config(entry: ModelEntry, triton_repo: Path) -> bool:
    """Tell whether the model's config.pbtxt is there and as it should be."""
    try:
        return (triton_repo / entry.triton_folder / CONFIG).read_text() == config_of(entry)
    except (OSError, UnicodeDecodeError):
        return False


def put_config(entry: ModelEntry, triton_repo: Path) -> None:
    """Write the model's config.pbtxt, where it is not there as it should be."""
    if not has_config(entry, triton_repo):
        path = triton_repo / entry.triton_folder / CONFIG
        write_atomically(path, config_of(entry).encode(), durable=False)


def _tensor(tensor: Tensor, entry: ModelEntry) -> str:
    sides = tensor.shape[1:] if entry.served.max_batch else tensor.shape
    # a row of one number has no sides; Triton wants one
    shape = (
        f"dims: [ {', '.join(map(str, sides))} ]" if sides else "dims: [ 1 ] reshape { shape: [ ] }"
    )
    return f'[ {{ name: "{tensor.name}" data_type: {_TYPES[tensor.dtype]} {shape} }} ]'
