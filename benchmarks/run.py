"""Run the benchmarks: `python -m benchmarks.run [--only NAME ...] [--long]`.

Each result is checked and appended to var/bench/results.jsonl. Ends with 1 where one misses its
must or its outputs are wrong. The comparison with a peer needs an environment of its own and has
its own program, benchmarks/peers.py.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback

from rich.console import Console

from benchmarks.results import RESULTS, Result, WrongOutputs, append
from domain.errors import ForewarnError

# modules of this package, each with measure(long=..., tell=...) -> Result or several; the quick ones first
NAMES = (
    "tamper",
    "signal_bursts",
    "clock_steps",
    "encrypted_originals",
    "recorder_cpu",
    "camera_faults",
    "live_masks",
    "triton_vs_raw",
    "flow_cpu",
    "flow_vs_plain_loop",
    "chaos_speaker",
    "erase",
    "custody_scale",
    "preserve_latency",
    "watch_memory",
    "same_records",
    "kill_writes",
    "writer_memory",
    "search_scale",
    "rung_latency",
    "command_latency",
)

terminal = Console(stderr=True)


def main(argv: list[str] | None = None) -> int:
    """Run those asked for, one after the other: they share the machine."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--only", action="append", choices=NAMES, help="may be given again")
    parser.add_argument("--long", action="store_true", help="more rounds: steadier figures")
    given = parser.parse_args(argv)
    names = tuple(given.only or NAMES)
    passed = [
        run_one(name, long=given.long, place=f"{number} of {len(names)}")
        for number, name in enumerate(names, start=1)
    ]
    return 0 if all(passed) else 1


def run_one(name: str, *, long: bool, place: str = "") -> bool:
    """Measure, append, tell; True where the result reaches its must."""
    began_s = time.monotonic()
    title = f"{name} ({place})" if place else name
    terminal.print(title, highlight=False)
    with terminal.status(title) as status:
        try:
            measured: Result | list[Result] = importlib.import_module(f"benchmarks.{name}").measure(
                long=long, tell=lambda words: status.update(f"{title}: {words}")
            )
        except WrongOutputs as error:
            terminal.print(f"[red]{name}: wrong outputs:[/red] {error}", highlight=False)
            return False
        except ForewarnError as error:
            terminal.print(f"[red]{name}: error:[/red] {error}", highlight=False)
            return False
        except Exception:  # the others are still worth measuring
            terminal.print(f"[red]{name}: failed[/red]\n{traceback.format_exc()}", highlight=False)
            return False
    results = measured if isinstance(measured, list) else [measured]
    for result in results:
        append(result)
        tell(result, time.monotonic() - began_s)
    return all(result.reaches_must for result in results)


def tell(result: Result, took_s: float) -> None:
    """Print one line about a result."""
    verdict = "[green]ok[/green]" if result.reaches_must else "[red]misses its must[/red]"
    sign = "<=" if result.better == "lower" else ">="
    terminal.print(
        f"  {verdict}  {result.name}: {result.value:g} {result.unit} (must {sign} {result.must:g}, aim "
        f"{result.aim:g}); {took_s:.0f} s, appended to {RESULTS}",
        highlight=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    sys.exit(main())
