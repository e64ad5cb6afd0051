"""The command line as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from domain.data_dir import DataDir
from domain.site import Site
from domain.site_file import load_site
from evidence_store.encryption_keys import EncryptionKeyFolder
from evidence_store.keys import KeyFolder
from tests.support.kept_evidence import chain_of, tell_story

ROOT = Path(__file__).resolve().parents[2]

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def site_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a site's keys: one signs, one encrypts."""
    folder = tmp_path_factory.mktemp("keys")
    KeyFolder(folder).create()
    EncryptionKeyFolder(folder).create()
    return folder


@pytest.fixture(scope="session")
def forewarn(site_key: Path) -> Run:
    """Run `forewarn …` to its end; it finds the site's key through the environment."""
    environment = os.environ | {"FOREWARN_KEYS": str(site_key)}

    def run(*argv: object, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "forewarn", *map(str, argv)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    return run


@pytest.fixture
def data(tmp_path: Path) -> Iterator[DataDir]:
    """A data folder with a key and some events, for what holds and erases."""
    folder = DataDir(tmp_path / "var")
    folder.root.mkdir()
    chain_of(folder)
    tell_story(folder)
    yield folder
    structlog.reset_defaults()  # the commands send their log to the folder


@pytest.fixture
def site() -> Site:
    """The sample's."""
    return load_site(ROOT / "samples" / "site.yaml")
