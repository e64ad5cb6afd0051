"""Fixtures: a data folder with something to hold and to erase, and a site."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.data_dir import DataDir
from domain.site.loading import load_site
from domain.site.site import Site
from tests.support.kept_evidence import chain_of, tell_story

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """Make a data folder with a key and some events."""
    folder = DataDir(tmp_path / "var")
    folder.root.mkdir()
    chain_of(folder)
    tell_story(folder)
    return folder


@pytest.fixture
def site() -> Site:
    """Load the sample's site file."""
    return load_site(ROOT / "samples" / "site.yaml")
