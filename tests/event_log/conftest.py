"""Fixtures of the event log's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from event_log.log import EventLog


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "events.sqlite"


@pytest.fixture
def event_log(log_path: Path) -> Iterator[EventLog]:
    with EventLog.open(log_path) as log:
        yield log
