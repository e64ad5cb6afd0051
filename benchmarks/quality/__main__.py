"""Measure quality on clips with a known truth: `python -m benchmarks.quality [--only SECTION ...]`.

The clips are named by --data or FOREWARN_EVAL_DATA. What the models say of their pictures is asked once and
kept as it comes (FOREWARN_EVAL_CACHE, or a folder for temporary files), and so are darkened copies. One table
is printed: each figure, what it was before, what it must and should be, and what it is now. Each section's
results are appended to var/bench/results.jsonl when it is through.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from rich.console import Console

from benchmarks import tamper
from benchmarks.quality import alike, crowd, identity, in_zones, trials, uniforms
from benchmarks.quality.figures import as_json, read_before, table_of
from benchmarks.quality.footage import DATA_VARIABLE, EvalData
from benchmarks.quality.runs import Runs
from benchmarks.results import Result, append
from domain.errors import ForewarnError

Tell = Callable[[str], None]


def measure_tampering(runs: Runs, tell: Tell) -> list[Result]:
    """Measure what `python -m benchmarks.run --only tamper` does, on these clips."""
    os.environ[DATA_VARIABLE] = str(runs.data.folder)
    return tamper.measure(tell=lambda words: tell(f"  {words}"))


SECTIONS: dict[str, Callable[[Runs, Tell], list[Result]]] = {
    "trials": lambda runs, tell: trials.measure(tell),
    "crowd": lambda runs, tell: crowd.measure(tell),
    "uniforms": lambda runs, tell: uniforms.measure(runs.data, tell),
    "small": in_zones.measure_small,
    "wide": in_zones.measure_wide,
    "views": in_zones.measure_views,
    "returns": identity.measure_returns,
    "tracking": identity.measure_tracking,
    "alike": lambda runs, tell: alike.measure_results(runs.data, tell),
    "dark": in_zones.measure_dark,
    "tamper": measure_tampering,
}


def main(argv: list[str] | None = None) -> int:
    """Measure, print the table, append; 1 where something misses its must."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of clips, gt and TIMELINE.json")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="may be given again")
    parser.add_argument("--json", action="store_true", help="figures as JSON, on standard output")
    asked = parser.parse_args(argv)
    # standard output is for the figures
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    terminal = Console(stderr=True, highlight=False, soft_wrap=True)
    results: list[Result] = []
    try:
        runs = Runs(EvalData.find(asked.data))
        for section in asked.only or SECTIONS:
            began_s = time.monotonic()
            terminal.print(f"[bold]{section}[/bold]")
            figures = SECTIONS[section](runs, lambda words: terminal.print(words, markup=False))
            for figure in figures:
                append(figure)
            results += figures
            terminal.print(f"  took {time.monotonic() - began_s:.0f} s")
    except ForewarnError as error:
        terminal.print(f"[red]error:[/red] {error}")
        return error.exit_code
    if asked.json:
        print(as_json(results))
    else:
        Console(highlight=False).print(table_of(results, read_before()))
    return 0 if all(result.reaches_must for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
