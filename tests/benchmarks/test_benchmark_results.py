"""The result file: what is appended is read again, whatever happened to the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.machine import describe_machine
from benchmarks.results import Result, append, read_latest

Make = Callable[..., Result]


def test_a_line_holds_everything_that_is_needed_to_judge_the_figure(
    tmp_path: Path, make_result: Make
) -> None:
    append(make_result(), tmp_path / "new" / "results.jsonl")
    (line,) = (tmp_path / "new" / "results.jsonl").read_text().splitlines()
    fields = {"name", "value", "unit", "must", "aim", "better", "conditions", "machine", "commit"}
    assert fields <= set(json.loads(line))


def test_the_newest_result_of_each_benchmark_counts(tmp_path: Path, make_result: Make) -> None:
    file = tmp_path / "results.jsonl"
    for name, value in (("b", 1.0), ("a", 2.0), ("b", 3.0)):
        append(make_result(name=name, value=value), file)
    assert [(each.name, each.value) for each in read_latest(file)] == [("a", 2.0), ("b", 3.0)]


def test_a_line_cut_short_by_a_kill_costs_only_itself(tmp_path: Path, make_result: Make) -> None:
    file = tmp_path / "results.jsonl"
    append(make_result(name="before"), file)
    with file.open("a") as stream:
        stream.write('{"name": "cut", "val')
    append(make_result(name="after"), file)
    assert [each.name for each in read_latest(file)] == ["after", "before"]


def test_fields_of_a_newer_version_do_not_hide_a_result(tmp_path: Path, make_result: Make) -> None:
    file = tmp_path / "results.jsonl"
    append(make_result(), file)
    line = json.loads(file.read_text()) | {"weather": "fine"}
    file.write_text(json.dumps(line) + "\n[1, 2]\n3\n")
    assert [each.name for each in read_latest(file)] == ["crossings"]


@pytest.mark.parametrize(
    ("better", "value", "reaches_must", "reaches_aim"),
    [
        ("lower", 0.9, True, True),
        ("lower", 1.15, True, False),
        ("lower", 1.16, False, False),
        ("lower", float("nan"), False, False),
    ],
)
def test_where_less_is_better_the_bound_itself_is_good_enough(
    make_result: Make, better: str, value: float, reaches_must: bool, reaches_aim: bool
) -> None:
    result = make_result(better=better, value=value)
    assert (result.reaches_must, result.reaches_aim) == (reaches_must, reaches_aim)


@pytest.mark.parametrize(
    ("value", "reaches_must", "reaches_aim"),
    [(2.5, True, True), (1.4, True, False), (1.39, False, False)],
)
def test_where_more_is_better_less_misses(
    make_result: Make, value: float, reaches_must: bool, reaches_aim: bool
) -> None:
    result = make_result(better="higher", must=1.4, aim=2.0, value=value)
    assert (result.reaches_must, result.reaches_aim) == (reaches_must, reaches_aim)


def test_the_machine_is_named() -> None:
    machine = describe_machine()
    assert machine["cpu"] != "unknown"
    assert machine["cores"] >= 1
    assert machine["memory_gb"] > 0
    assert set(machine) >= {"python", "openvino", "load_average_1min"}
