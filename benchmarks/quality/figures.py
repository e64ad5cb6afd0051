"""Say of all figures on quality how they were taken, and print them beside those of before."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from rich.table import Table

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.quality.zones import CLIPS_OF, MIN_SCORE, RULES_OF, RULES_S
from benchmarks.results import Result

FPS = 5.0  # of a figure that names none: the sample site's
TUNED_ON = ("pets_s2l1_a",)
# what the same command said at the commit that it names
BEFORE = Path(__file__).with_name("before.json")


def quality_result(
    result: str,
    value: float,
    unit: str,
    must: float,
    aim: float,
    better: Literal["lower", "higher"] = "lower",
    also: Mapping[str, float] | None = None,
) -> Result:
    """Make a figure with what it must and should reach, and on what it was taken."""
    return Result(
        name=f"quality_{result}",
        value=round(float(value), 3),
        unit=unit,
        must=must,
        aim=aim,
        better=better,
        conditions={
            "fps": FPS,
            "min_score": MIN_SCORE,
            "rules_s": RULES_S,
            "rules_of": RULES_OF,
            "tuned_on": TUNED_ON,
            "clips": CLIPS_OF,
        },
        machine=describe_machine(),
        commit=describe_commit(),
        also=also or {},
    )


def read_before(path: Path = BEFORE) -> dict[str, Any]:
    """Read what was measured before: {"commit": …, "figures": {name: {"value": …, "also": …}}}."""
    if not path.is_file():
        return {"commit": "none", "figures": {}}
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def table_of(results: Sequence[Result], before: Mapping[str, Any]) -> Table:
    """Lay the figures out beside what was before and what they must reach."""
    table = Table(box=None, pad_edge=False)
    for head in ("figure", f"before ({before['commit']})", "must", "aim", "now", ""):
        table.add_column(head, justify="left" if head in ("figure", "") else "right")
    for each in results:
        was = before["figures"].get(each.name)
        verdict = "" if each.reaches_aim else "aim missed" if each.reaches_must else "MUST missed"
        table.add_row(
            f"{each.name.removeprefix('quality_')} ({each.unit})",
            f"{was['value']:g}" if was else "-",
            f"{each.must:g}",
            f"{each.aim:g}",
            f"{each.value:g}",
            verdict,
        )
    return table


def as_json(results: Sequence[Result]) -> str:
    """Write the figures as before.json holds them."""
    first = results[0]
    figures = {each.name: {"value": each.value, "also": dict(each.also)} for each in results}
    told = {"commit": first.commit, "machine": dict(first.machine), "figures": figures}
    return json.dumps(told, ensure_ascii=False, indent=1)
