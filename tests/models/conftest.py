"""Fixtures of the models' tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from fractions import Fraction

import numpy as np
import pytest

from domain.frames import FrameStamp, SampledFrame
from models.person_detector.golden import read_golden
from models.serving.connection import Connection, connect


@pytest.fixture
def connection(triton_address: str) -> Iterator[Connection]:
    """Connect to the session's real server."""
    with connect(triton_address, deadline_s=20.0) as made:
        yield made


@pytest.fixture(scope="session")
def frame_of() -> Callable[..., SampledFrame]:
    """Wrap a 300 x 300 picture as a frame of a 768 x 576 camera."""

    def make(image_rgb: np.ndarray, camera_id: str = "gate", pts: int = 0) -> SampledFrame:
        stamp = FrameStamp(
            camera_id=camera_id,
            pts=pts,
            time_base=Fraction(1, 10),
            media_time_s=pts / 10,
            captured_at=datetime(2026, 3, 2, 8, tzinfo=UTC),
            width_px=768,
            height_px=576,
        )
        return SampledFrame(stamp, image_rgb)

    return make


@pytest.fixture(scope="session")
def street_pictures() -> list[np.ndarray]:
    """15 different (300, 300, 3) pictures with people in them."""
    pictures = [golden.image_rgb for golden in read_golden()]
    return [np.roll(picture, 12 * step, axis=1) for step in range(5) for picture in pictures]
