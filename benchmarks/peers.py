"""The whole watch flow beside Roboflow inference: `python -m benchmarks.peers` (make bench-peers).

The same graph is called from InferencePipeline.init_with_custom_logic, in an environment of its
own (.venv-peers, from requirements/peers.lock).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.flow_cpu import check_events
from benchmarks.flow_vs_plain_loop import CAMERAS, summarise
from benchmarks.others import (
    OTHER_RESIZE_TOLERANCE,
    SAME_RESIZE_TOLERANCE,
    check_same_people,
    run_other,
)
from benchmarks.reference import work_out
from benchmarks.results import ROOT, Result, Tell, quiet, rounds_of
from benchmarks.run import run_one
from benchmarks.serving import detector_server
from benchmarks.watch_run import run_watch
from benchmarks.workload import CLIP, scratch, write_site
from domain.errors import Stop

NAME = "flow_vs_inference_pipeline"
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
MODULE = "benchmarks.peer_pipeline"
ROUNDS, LONG_ROUNDS = 5, 15  # its imports alone take half a minute


def measure(*, long: bool = False, tell: Tell = quiet) -> Result:
    """Raises WrongOutputs where one of the two did not see the same people."""
    version = _peer_version(PYTHON)
    clips = [CLIP] * CAMERAS
    rounds = []
    with scratch(NAME) as folder, detector_server(folder) as server:
        site_file = write_site(folder / "site.yaml", CAMERAS)
        reference = work_out(site_file)
        tell("the same people?")
        same = run_other(PYTHON, MODULE, "area", clips)
        check_same_people("InferencePipeline", same, reference.people, SAME_RESIZE_TOLERANCE)
        for number in rounds_of(LONG_ROUNDS if long else ROUNDS, tell):
            run = run_watch(site_file, CAMERAS, folder / f"run-{number}", server)
            check_events(run, reference)
            peer = run_other(PYTHON, MODULE, "linear", clips)
            check_same_people("InferencePipeline", peer, reference.people, OTHER_RESIZE_TOLERANCE)
            rounds.append((run, peer))
    conditions = {"peer": f"Roboflow inference-cpu {version}", "peer_resize": "linear"}
    return summarise(NAME, rounds, reference.people, conditions)


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
