"""Fixtures: a log, a desk, and a machine whose clocks the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casework.alarms.desk import AlarmDesk
from casework.alarms.policy import AlarmPolicy
from event_log.log import EventLog
from tests.support.made_up_machine import MadeUpMachine

POLICY = AlarmPolicy("campus", line=("desk", "patrol", "chief"))


@pytest.fixture
def machine() -> Iterator[MadeUpMachine]:
    made = MadeUpMachine()
    with made.in_force():
        yield made


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    with EventLog.open(tmp_path / "events.sqlite") as opened:
        yield opened


@pytest.fixture
def desk(log: EventLog, machine: MadeUpMachine) -> AlarmDesk:
    return AlarmDesk(log, POLICY, machine.clock())
