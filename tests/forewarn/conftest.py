"""The command line as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evidence_store.keys.encryption_keys import EncryptionKeyFolder
from evidence_store.keys.signing_keys import KeyFolder
from tests.support.command_line import run_here
from tests.support.site_part import write_part

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


@pytest.fixture
def one_offence(sample_site_file: Path, tmp_path: Path) -> Path:
    """Return a site of one camera on the seconds in which one person stays and leaves."""
    return write_part(tmp_path / "one-offence.yaml", sample_site_file, "gate-late", (59, 67))


@pytest.fixture(scope="session")
def forewarn(site_key: Path) -> Run:
    """Run `forewarn …` to its end; it finds the site's key through the environment.

    In this process where it can: a Python that starts and imports everything costs most of a second.
    """

    def run(
        *argv: object, timeout_s: float = 600, key_folder: Path = site_key
    ) -> subprocess.CompletedProcess[str]:
        words, keys = [*map(str, argv)], {"FOREWARN_KEYS": str(key_folder)}
        if words[0] not in IN_A_PROCESS_OF_THEIR_OWN or "--help" in words:
            return run_here(words, keys)
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
