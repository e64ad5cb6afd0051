"""Fixtures that several rooms share."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def sample_clip() -> Path:
    """79.5 s of pedestrians, 768x576, 10 fps, H.264, a key frame a second."""
    return ROOT / "samples" / "crossing.mp4"


@pytest.fixture(scope="session")
def sample_site_file() -> Path:
    """The demonstration's site file."""
    return ROOT / "samples" / "site.yaml"
