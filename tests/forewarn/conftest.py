"""The command line as a user runs it."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

from evidence_store.keys.encryption_keys import EncryptionKeyFolder
from evidence_store.keys.signing_keys import KeyFolder
from forewarn.__main__ import main

ROOT = Path(__file__).resolve().parents[2]

Run = Callable[..., "subprocess.CompletedProcess[str]"]

# they start programs and take signals
IN_A_PROCESS_OF_THEIR_OWN = ("run", "up", "console", "triton")


@pytest.fixture(scope="session")
def site_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with a site's keys: one signs, one encrypts."""
    folder = tmp_path_factory.mktemp("keys")
    KeyFolder(folder).create()
    EncryptionKeyFolder(folder).create()
    return folder


@pytest.fixture(scope="session")
def forewarn(site_key: Path) -> Run:
    """Run `forewarn …` to its end; it finds the site's key through the environment.

    In this process where it can: a Python that starts and imports everything costs most of a second.
    """
    keys = {"FOREWARN_KEYS": str(site_key)}

    def run(*argv: object, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
        words = [*map(str, argv)]
        if words[0] not in IN_A_PROCESS_OF_THEIR_OWN or "--help" in words:
            return _run_here(words, keys)
        return subprocess.run(
            [sys.executable, "-m", "forewarn", *words],
            cwd=ROOT,
            env=os.environ | keys,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    return run


def _run_here(words: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with (
        patch.object(sys, "argv", ["forewarn", *words]),
        patch.dict(os.environ, environment),
        contextlib.chdir(ROOT),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int), code
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())
