"""A result to vary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.results import Result


@pytest.fixture
def make_result() -> Callable[..., Result]:
    """Return a result that reaches its aim, with the fields that a test changes."""

    def make(**changed: Any) -> Result:
        given: dict[str, Any] = {
            "name": "crossings",
            "value": 0.9,
            "unit": "x",
            "must": 1.15,
            "aim": 1.0,
            "better": "lower",
            "conditions": {"frames": 8},
            "machine": {"cpu": "some", "load_average_1min": 0.5},
            "commit": "abc1234",
        }
        return Result(**(given | changed))

    return make
