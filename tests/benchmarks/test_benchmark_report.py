"""The report's exit code is what a script goes by."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import report, run
from benchmarks.results import Result, WrongOutputs, append, read_latest

Make = Callable[..., Result]


def test_all_good_ends_with_0(
    tmp_path: Path, make_result: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results.jsonl"
    append(make_result(value=1.1), file)
    assert report.main(["--results", str(file)]) == 0
    assert "crossings" in capsys.readouterr().out


def test_one_that_misses_its_must_ends_with_1(tmp_path: Path, make_result: Make) -> None:
    file = tmp_path / "results.jsonl"
    append(make_result(name="good"), file)
    append(make_result(name="bad", value=1.2), file)
    assert report.main(["--results", str(file)]) == 1


def test_one_that_missed_before_and_reaches_now_ends_with_0(
    tmp_path: Path, make_result: Make
) -> None:
    file = tmp_path / "results.jsonl"
    append(make_result(value=1.2), file)
    append(make_result(value=1.1), file)
    assert report.main(["--results", str(file)]) == 0


def test_no_results_are_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main(["--results", str(tmp_path / "none.jsonl")]) == 1
    assert "make bench" in capsys.readouterr().err


def test_json_is_one_array_that_says_who_misses(
    tmp_path: Path, make_result: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results.jsonl"
    append(make_result(name="bad", value=1.2), file)
    append(make_result(name="good"), file)
    assert report.main(["--results", str(file), "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["reaches_must"]) for row in rows] == [("bad", False), ("good", True)]


class _Measured:
    """Stands for a benchmark's module."""

    def __init__(self, outcome: Result | Exception) -> None:
        self._outcome = outcome

    def measure(self, *, long: bool, tell: Callable[[str], None]) -> Result:
        tell("round 1 of 1")
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


@pytest.mark.parametrize("error", [WrongOutputs("saw nobody"), ZeroDivisionError()])
def test_a_benchmark_whose_outputs_are_wrong_leaves_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    file = _run_with(_Measured(error), tmp_path, monkeypatch)
    assert run.main(["--only", "flow_cpu"]) == 1
    assert read_latest(file) == []


@pytest.mark.parametrize(("value", "code"), [(1.1, 0), (1.2, 1)])
def test_a_benchmark_run_appends_its_figure_and_ends_by_its_must(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_result: Make,
    value: float,
    code: int,
) -> None:
    file = _run_with(_Measured(make_result(value=value)), tmp_path, monkeypatch)
    assert run.main(["--only", "flow_cpu"]) == code
    assert [each.value for each in read_latest(file)] == [value]


def _run_with(module: _Measured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "results.jsonl"
    monkeypatch.setattr("benchmarks.run.importlib.import_module", lambda name: module)
    monkeypatch.setattr(run, "append", lambda result: append(result, file))
    return file
