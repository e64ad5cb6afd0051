"""Give damaged clips to reading processes, many clips each, and count what was lost."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TIMEOUT_S = 400.0


@dataclass
class Tally:
    """What became of damaged clips."""

    clips: int = 0
    frames: int = 0
    ended: int = 0
    failed: int = 0
    most_mb: int = 0
    processes: int = 0
    lost: list[str] = field(
        default_factory=list
    )  # processes: the signal or exit code, and the clips
    not_ended: list[str] = field(default_factory=list)  # clips


def read_all(clips: list[Path], a_process: int) -> Tally:
    """Read the clips, `a_process` of them in one process; a lost one is narrowed down to its clip."""
    tally = Tally()
    for at in range(0, len(clips), a_process):
        batch = clips[at : at + a_process]
        tally.clips += len(batch)
        _read(batch, tally)
    return tally


def _read(batch: list[Path], tally: Tally) -> None:
    code, found = _ask(batch)
    tally.processes += 1
    if found is not None:
        tally.frames += found["frames"]
        tally.ended += found["ended"]
        tally.failed += found["failed"]
        tally.most_mb = max(tally.most_mb, found["most_mb"])
        tally.not_ended += found["not_ended"]
        return
    # the process is gone: whose doing was it?
    culprits = [clip.name for clip in batch if len(batch) > 1 and _ask([clip])[1] is None]
    tally.lost.append(f"{code}: {', '.join(culprits or [clip.name for clip in batch])}")


def _ask(batch: list[Path]) -> tuple[int, dict[str, Any] | None]:
    command = [sys.executable, "-m", "benchmarks.fuzz.reading", *map(str, batch)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        out, _ = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return -9, None
    lines = [line for line in out.splitlines() if line.startswith("{")]
    return process.returncode, json.loads(lines[-1]) if lines else None
