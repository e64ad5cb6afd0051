"""The command line in this process: a Python that starts and imports everything costs most of a second."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

from forewarn.__main__ import main

ROOT = Path(__file__).resolve().parents[2]


def run_here(
    words: Sequence[object], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `forewarn …` to its end, as a process of its own would, with these variables besides."""
    out, err = io.StringIO(), io.StringIO()
    argv = [*map(str, words)]
    code: object = 0
    with (
        patch.object(sys, "argv", ["forewarn", *argv]),
        patch.dict(os.environ, environment or {}),
        contextlib.chdir(ROOT),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int), code
    return subprocess.CompletedProcess(argv, code, out.getvalue(), err.getvalue())
