"""The whole watch flow beside Roboflow inference: `python -m benchmarks.peers` (make bench-peers).

The same graph is called from InferencePipeline.init_with_custom_logic, in an environment of its
own (.venv-peers, from requirements/peers.lock).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.results import ROOT, Result, Tell, quiet
from benchmarks.run import run_one
from benchmarks.side_by_side import Other, compare
from domain.errors import Stop

NAME = "flow_vs_inference_pipeline"
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
ROUNDS, LONG_ROUNDS = 3, 9


def measure(*, long: bool = False, tell: Tell = quiet) -> Result:
    """Measure; raises WrongOutputs where one of the two did not see the same people, TryAgain on a machine
    that is too busy, Stop without the peer's environment."""
    conditions = {"peer": f"Roboflow inference-cpu {_peer_version(PYTHON)}"}
    peer = Other("InferencePipeline", PYTHON, "benchmarks.peer_pipeline", conditions)
    return compare(NAME, peer, LONG_ROUNDS if long else ROUNDS, tell)


def _peer_version(python: Path) -> str:
    if not python.exists():
        raise Stop(f"{python} is missing; run `make bench-peers`, which makes it (about 7 GB)")
    asked = "import importlib.metadata as m; print(m.version('inference-cpu'))"
    done = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Stop(f"{python} has no inference-cpu; remove .venv-peers and run `make bench-peers`")
    return done.stdout.strip()


def main(argv: list[str] | None = None) -> int:
    """Measure and append; 1 where the result misses its must."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--long", action="store_true", help="more rounds: steadier figures")
    given = parser.parse_args(argv)
    return 0 if run_one("peers", long=given.long, place="1 of 1") else 1


if __name__ == "__main__":
    sys.exit(main())
