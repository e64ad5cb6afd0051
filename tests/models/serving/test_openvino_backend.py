"""The backend that runs inside Triton, with an inference that fails: nothing is answered that none wrote."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

BACKEND = Path(__file__).resolve().parents[3] / "models/triton_backend/openvino/model.py"
GOOD: dict[str, np.ndarray] = {"x": np.zeros((1, 2), np.float32)}
MALFORMED: dict[str, np.ndarray] = {}


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Load it beside stand-ins for what Triton and its own environment give."""
    triton = ModuleType("triton_python_backend_utils")
    triton.Logger = SimpleNamespace(log_info=print, log_warn=print)
    triton.Tensor = lambda name, value: (name, value)
    triton.TritonError = str
    triton.InferenceResponse = lambda tensors=None, error=None: SimpleNamespace(
        tensors=tensors, error=error
    )
    triton.get_input_tensor_by_name = lambda request, name: SimpleNamespace(
        as_numpy=lambda: request[name]
    )
    openvino = ModuleType("openvino")
    for name, module in (("triton_python_backend_utils", triton), ("openvino", openvino)):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(np, "__version__", "1.26.4")
    made = ModuleType("openvino_backend")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    exec(compile(BACKEND.read_text(), str(BACKEND), "exec"), made.__dict__)
    return made


class FakeRunner:
    """Answers with ones; every `fails`-th inference fails, as is told when one waits."""

    chunk = 1

    def __init__(self, backend: ModuleType, fails: int = 0, writes: bool = True) -> None:
        self._backend, self._fails, self._writes = backend, fails, writes
        self._started, self._failed = 0, False

    def empty_outputs(self, batch: int) -> dict[str, np.ndarray]:
        real = self._backend.Runner.__new__(self._backend.Runner)
        real._output_shapes = {"y": ((2,), np.float32)}
        outputs: dict[str, np.ndarray] = real.empty_outputs(batch)
        return outputs

    def start(self, inputs: Any, outputs: dict[str, np.ndarray], at: int) -> None:
        self._started += 1
        if self._started == self._fails:
            self._failed = True
        elif self._writes:
            outputs["y"][at] = 1.0

    def wait(self) -> None:
        if self._failed:
            self._failed = False
            raise RuntimeError("the inference failed")

    def renew(self) -> None:
        pass


def answers(
    backend: ModuleType,
    runner: FakeRunner,
    *requests: dict[str, np.ndarray],
    model: Any = None,
) -> list[Any]:
    model = model or backend.TritonPythonModel()
    model._settings = SimpleNamespace(name="m", input_shapes={"x": [2]}, max_batch_size=8)
    model._single, model._runners = runner, [runner]
    done: list[Any] = model.execute([*requests])
    return done


def test_a_malformed_request_costs_itself_only(backend: ModuleType) -> None:
    one, bad, other = answers(backend, FakeRunner(backend), GOOD, MALFORMED, GOOD)
    assert one.error is other.error is None and bad.error
    assert (one.tensors[0][1] == 1).all() and (other.tensors[0][1] == 1).all()


@pytest.mark.parametrize("requests", [(GOOD,), (GOOD, MALFORMED), (GOOD, MALFORMED, GOOD)])
def test_a_failed_inference_is_a_failed_request_whatever_stands_beside_it(
    backend: ModuleType, requests: tuple[dict[str, np.ndarray], ...]
) -> None:
    first = answers(backend, FakeRunner(backend, fails=1), *requests)[0]
    assert first.error == "the inference failed" and first.tensors is None


def test_what_no_inference_wrote_is_no_answer(backend: ModuleType) -> None:
    (only,) = answers(backend, FakeRunner(backend, writes=False), GOOD)
    assert "no inference wrote it" in only.error and only.tensors is None


class CountingRunner(FakeRunner):
    """Answers with what it was asked, and twice that."""

    def start(self, inputs: Any, outputs: dict[str, np.ndarray], at: int) -> None:
        super().start(inputs, outputs, at)
        outputs["y"][at] = inputs["x"][0] * 2


def test_the_suites_backend_infers_each_picture_once_and_answers_the_same(
    backend: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "models.triton_backend.openvino.model", backend)
    monkeypatch.delitem(sys.modules, "tests.support.remembering_backend", raising=False)
    remembering = importlib.import_module("tests.support.remembering_backend")
    monkeypatch.delitem(sys.modules, "tests.support.remembering_backend")
    model, runner = remembering.RememberingModel(), CountingRunner(backend)
    pictures = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    requests = ({"x": pictures[:2]}, MALFORMED, {"x": pictures[[2, 0, 1]]}, {"x": pictures[[1, 0]]})
    first, bad, second, third = answers(backend, runner, *requests, model=model)
    assert bad.error
    again = answers(backend, runner, {"x": pictures[::-1]}, model=model)
    for answer, asked in zip(
        (first, second, third, *again),
        (pictures[:2], pictures[[2, 0, 1]], pictures[[1, 0]], pictures[::-1]),
        strict=True,
    ):
        assert answer.error is None and (answer.tensors[0][1] == asked * 2).all()
    started = runner._started
    assert started < 2 + 3 + 2
    answers(backend, runner, {"x": pictures}, model=model)
    assert runner._started == started
    failing = CountingRunner(backend, fails=1)
    (failed,) = answers(backend, failing, {"x": pictures * 7}, model=model)
    assert failed.error
    (mended,) = answers(backend, runner, {"x": pictures * 7}, model=model)
    assert (mended.tensors[0][1] == pictures * 14).all()
