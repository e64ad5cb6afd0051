"""Fixtures that several rooms share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# what is slow on a busy machine is not wrong
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def sample_clip() -> Path:
    """79.5 s of pedestrians, 768x576, 10 fps, H.264, a key frame a second."""
    return ROOT / "samples" / "crossing.mp4"


@pytest.fixture(scope="session")
def sample_site_file() -> Path:
    """The demonstration's site file."""
    return ROOT / "samples" / "site.yaml"


@pytest.fixture(scope="session")
def triton_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """gRPC address of a real Triton server with all our models; one for the whole session.

    FOREWARN_TRITON=HOST:PORT uses a server that runs already. A missing server environment or
    models that are not built fail the tests: nothing here may be skipped quietly.
    """
    if address := os.environ.get("FOREWARN_TRITON"):
        yield address
        return
    from models.serving.server import TritonServer

    with TritonServer(tmp_path_factory.mktemp("triton")) as server:
        server.wait_ready(timeout_s=120)
        yield server.address
