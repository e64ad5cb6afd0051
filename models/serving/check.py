"""Ask every model of a server its own known questions, to prove that its answers are right.

A server can be up, say that it is ready, and answer nothing or nonsense: with NumPy 2 in its
environment it sees zeros and returns empty arrays; another model may lie in its repository.

What is asked, and what a right answer is, the model's own folder says: golden.py has questions(), the
rows of its input, and faults(answers), which compares one answer each with the original's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import cycle, islice

import numpy as np

from domain.errors import Stop, TryAgain
from models.contract import Answer
from models.registry import ModelEntry, read_registry
from models.serving.client import Detector, Inference, in_batches
from models.serving.connection import Connection
from models.serving.status import why_not_loaded

BATCH_SIZES = (1, 2, 8)
# of the largest number: how far a batch that a server pads or joins may move an answer by rounding
MOST_DRIFT = 0.05


def check_answers(connection: Connection) -> dict[str, str]:
    """Compare the server's answers to known questions with those of the original models.

    Returns:
        Models that cannot be used, and why; without them forewarn works, as their cards say.
    Raises:
        Stop: a model that must be there is not, or its answer is empty or wrong.
        TryAgain: the server is away.
    """
    registry = read_registry()
    connection.check_models_ready(registry.required)
    left_out = why_not_loaded(connection)
    there = [name for name in registry.names if connection.has_model(name)]
    found = {name: faults_of(connection, registry.model(name)) for name in there}
    wrong = [f"{n}: {fault}" for n in registry.required for fault in found.get(n, ())]
    if wrong:
        raise Stop(
            f"Triton at {connection.address} answers, but wrongly:\n"
            + "\n".join(f"  {fault}" for fault in wrong)
            + "\nare its models those of `forewarn models build`, and is NumPy below 2 in its "
            "environment?"
        )
    return left_out | {name: "; ".join(faults) for name, faults in found.items() if faults}


def find_faults(inference: Inference, names: Iterable[str] | None = None) -> list[str]:
    """Find what is wrong with the answers to the known questions; [] if nothing is.

    None: of the models that must be there.
    """
    registry = read_registry()
    chosen = registry.required if names is None else names
    return [
        f"{name}: {fault}"
        for name in chosen
        for fault in faults_of(inference, registry.model(name))
    ]


def usable_detectors(connection: Connection, names: Iterable[str]) -> set[str]:
    """Return which of these detectors the server has, and whose answers are right.

    Raises:
        TryAgain: the server is away.
    """
    registry = read_registry()
    return {
        name
        for name in registry.detectors
        if name in names
        and connection.has_model(name)
        and not faults_of(connection, registry.model(name))
    }


def faults_of(inference: Inference, entry: ModelEntry) -> list[str]:
    """Ask one model, each question alone and in batches, and say what is wrong; [] if nothing is.

    Raises:
        TryAgain: the server is away.
    """
    try:
        if entry.detects is not None:
            Detector(inference, entry.name)  # what a program would only find out as it starts
        golden = entry.part("golden")
        questions: list[np.ndarray] = golden.questions()
        alone = _ask(inference, entry, questions, 1)
        faults: list[str] = golden.faults(alone)
        return faults or _batch_faults(inference, entry, questions, alone)
    except TryAgain:
        raise
    except Stop as error:
        return [str(error)]
    except Exception as error:  # of a module or a network that somebody added
        return [f"cannot be asked: {type(error).__name__}: {error}"]


def _batch_faults(
    inference: Inference, entry: ModelEntry, questions: Sequence[np.ndarray], alone: list[Answer]
) -> list[str]:
    """Say where an answer depends on what it is sent with.

    Batches form by chance: the same footage would not give the same events twice. Of a detector it has
    to be the same to the last bit.
    """
    for size in BATCH_SIZES[1:]:
        if size > entry.served.max_batch:
            break
        came = _ask(inference, entry, list(islice(cycle(questions), size)), size)
        for one, other in zip(cycle(alone), came, strict=False):
            if not _agree(one, other, exactly=entry.detects is not None):
                return [
                    f"an answer in a batch of {size} is another than alone; take chunk out of {entry.file}"
                ]
    return []


def _ask(
    inference: Inference, entry: ModelEntry, rows: Sequence[np.ndarray], size: int
) -> list[Answer]:
    batches = in_batches(rows, size)
    answers = inference.infer(entry.triton_folder, entry.inputs[0], batches, entry.outputs)
    return [
        {name: value[row] for name, value in answer.items()}
        for batch, answer in zip(batches, answers, strict=True)
        for row in range(len(batch))
    ]


def _agree(one: Answer, other: Answer, *, exactly: bool) -> bool:
    if exactly:
        return all(np.array_equal(one[name], other[name]) for name in one)
    return all(
        np.allclose(one[name], other[name], rtol=0, atol=MOST_DRIFT * np.abs(one[name]).max())
        for name in one
    )
