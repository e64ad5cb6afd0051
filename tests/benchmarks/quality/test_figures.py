"""Figures beside what they were: one table, one JSON."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.quality.figures import as_json, quality_result, read_before, table_of
from benchmarks.quality.footage import DARK, Truth
from benchmarks.quality.identity import joined
from benchmarks.quality.naming import same_person
from benchmarks.quality.runs import rates_of


def printed(value: float, before: float | None) -> str:
    figures = {} if before is None else {"quality_calls": {"value": before}}
    console = Console(width=120, file=io.StringIO(), record=True)
    result = quality_result("calls", value, "in all", must=2, aim=0)
    console.print(table_of([result], {"commit": "abc1234", "figures": figures}))
    return " ".join(console.export_text().split())


def test_a_row_says_before_must_aim_now_and_what_was_missed() -> None:
    assert "calls (in all) 7 2 0 3 MUST missed" in printed(3, before=7)
    assert "calls (in all) 7 2 0 1 aim missed" in printed(1, before=7)
    assert printed(0, before=None).endswith("calls (in all) - 2 0 0")


def test_what_is_written_can_be_read_as_what_was_before(tmp_path: Path) -> None:
    result = quality_result("calls", 3, "in all", 2, 0, also={"10 fps": 1.0})
    path = tmp_path / "before.json"
    path.write_text(as_json([result]), encoding="utf-8")
    before = read_before(path)
    assert before["figures"] == {"quality_calls": {"value": 3.0, "also": {"10 fps": 1.0}}}
    assert json.loads(path.read_text())["machine"]["cores"] >= 1


def test_returners_are_joined_and_nobody_else() -> None:
    truth = Truth(np.arange(3), np.array([1, 19, 14]), np.zeros((3, 4)))
    assert joined(truth, same_person("pets_s2l1_a")).ids.tolist() == [19, 19, 15]
    assert same_person(f"crossing{DARK}") == same_person("pets_s2l1_a")
    assert same_person("counter_a") == {}


def test_no_clip_is_looked_at_more_often_than_it_has_frames() -> None:
    assert rates_of("pets_s2l1_a") == (10.0, 5.0, 2.5)
    assert rates_of(f"tud_campus{DARK}") == (25.0, 10.0, 5.0, 2.5)
    assert rates_of("night_square_8f") == (3.0,)
