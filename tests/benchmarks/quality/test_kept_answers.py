"""What a model said is kept by what it was shown, across breaks; another model's answers are its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality.kept_answers import KeptInference
from models.building import GRAPH, WEIGHTS
from models.contract import Answer, Batches, Tensor, Tensors

GIVEN = Tensor(name="picture", dtype="uint8", shape=(-1, 2, 2), meaning="")
WANTED = (
    Tensor(name="sum", dtype="float32", shape=(-1,), meaning=""),
    Tensor(name="twice", dtype="float32", shape=(-1, 2, 2), meaning=""),
)


class Adding:
    """Add up pictures; break down after so many."""

    def __init__(self, lasts: int = 99) -> None:
        self.asked, self._lasts = 0, lasts

    def infer(self, model: str, given: Tensor, batches: Batches, wanted: Tensors) -> list[Answer]:
        (rows,) = batches
        self.asked += len(rows)
        if self.asked > self._lasts:
            raise InterruptedError
        pictures = np.array(rows, np.float32)
        return [{"sum": pictures.sum(axis=(1, 2)), "twice": 2 * pictures}]


def pictures(*values: int) -> list[np.ndarray]:
    return [np.full((2, 2), value, np.uint8) for value in values]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    for model in ("one", "other"):
        folder = tmp_path / model / "1"
        folder.mkdir(parents=True)
        (folder / WEIGHTS).write_text(model)
        (folder / GRAPH).write_text("the same")
    return tmp_path


def test_what_was_asked_before_is_not_asked_again_whatever_it_is_asked_with(built: Path) -> None:
    adding = Adding()
    for batches in ([pictures(1, 2)], [pictures(2, 3, 1), pictures(2, 2)]):
        answers = KeptInference(adding, built / "kept", built).infer("one", GIVEN, batches, WANTED)
        for rows, answer in zip(batches, answers, strict=True):
            assert answer["sum"].tolist() == [4.0 * row[0, 0] for row in rows]
            assert np.array_equal(answer["twice"], 2 * np.array(rows).reshape(-1, 2, 2))
    assert adding.asked == 3
    KeptInference(adding, built / "kept", built).infer("other", GIVEN, [pictures(1)], WANTED)
    assert adding.asked == 4


def test_after_a_break_only_the_rest_is_asked(built: Path) -> None:
    batches = [pictures(1, 2), pictures(3, 4)]
    with pytest.raises(InterruptedError):
        KeptInference(Adding(lasts=2), built / "kept", built).infer("one", GIVEN, batches, WANTED)
    adding = Adding()
    KeptInference(adding, built / "kept", built).infer("one", GIVEN, batches, WANTED)
    assert adding.asked == 2
