"""The latest result of each benchmark: `python -m benchmarks.report [--json]`.

Ends with 1 where one misses its must, or where there is no result at all.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.results import RESULTS, Result, read_latest


def main(argv: list[str] | None = None) -> int:
    """Print the table for people, or JSON for programs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON array on stdout")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE")
    given = parser.parse_args(argv)
    results = read_latest(given.results)
    if given.json:
        rows = [asdict(each) | {"reaches_must": each.reaches_must} for each in results]
        print(json.dumps(rows, ensure_ascii=False))
    elif results:
        Console().print(as_table(results))
    if not results:
        print(f"{given.results}: no results yet; run `make bench`", file=sys.stderr)
    return 0 if results and all(each.reaches_must for each in results) else 1


def as_table(results: list[Result]) -> Table:
    """Make a table with one row a benchmark."""
    table = Table(title="Benchmarks, latest of each")
    for heading in ("benchmark", "value", "must", "aim", "", "measured", "commit", "load"):
        table.add_column(heading, justify="right" if heading in ("value", "load") else "left")
    for each in results:
        sign = "≤" if each.better == "lower" else "≥"
        table.add_row(
            each.name,
            f"{each.value:g} {each.unit}",
            f"{sign} {each.must:g}",
            f"{sign} {each.aim:g}",
            _verdict(each),
            each.measured_at[:16],
            each.commit,
            str(each.machine.get("load_average_1min", "")),
        )
    return table


def _verdict(result: Result) -> str:
    if not result.reaches_must:
        return "[red]misses its must[/red]"
    return "[green]reaches its aim[/green]" if result.reaches_aim else "[yellow]ok[/yellow]"


if __name__ == "__main__":
    sys.exit(main())
