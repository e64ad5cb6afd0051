"""Starting benchmarks/table_writer.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.results import ROOT


def start_writer(folder: Path, *, count: int, batch: int, first: int = 0) -> subprocess.Popen[str]:
    """Start a process that writes records; it prints how many are acknowledged."""
    words = [sys.executable, "-m", "benchmarks.table_writer", str(folder)]
    words += ["--first", str(first), "--count", str(count), "--batch", str(batch)]
    return subprocess.Popen(
        words,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        # as the supervisor starts whoever writes evidence
        env={**os.environ, "PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "2", "LANCE_LOG": "error"},
    )
