"""The alarms program opens what it finds, and waits for a log that cannot be written."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from casework.alarms.policy import AlarmPolicy
from domain.cameras.steady_clock import SteadyClock
from domain.data_dir import DataDir
from domain.errors import TryAgain
from event_log.log import EventLog
from forewarn.programs import alarms as program
from forewarn.programs.alarms import look_after_alarms
from tests.support.alarm_causes import escalated


def test_it_goes_on_when_the_log_is_replaced_or_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(program, "LONGEST_PAUSE_S", 0.0)
    data, stop, beats = DataDir(tmp_path), threading.Event(), iter(range(99))
    plain = EventLog.open

    def at_times_away(path: Path) -> EventLog:
        if path.exists() and path.stat().st_size == 0:
            path.unlink()
            raise TryAgain("away")
        return plain(path)

    monkeypatch.setattr(EventLog, "open", at_times_away)

    def beat() -> None:
        match next(beats):
            case 3 | 12 as number:
                with plain(data.events_db) as log:
                    log.append([escalated(number)])
            case 6:
                for each in tmp_path.glob("events.sqlite*"):
                    each.unlink()
                data.events_db.touch()
            case 20:
                stop.set()

    with capture_logs() as entries:
        look_after_alarms(data, AlarmPolicy("campus"), SteadyClock(), stop, beat)
    told = [each["event"] for each in entries]
    assert told.count("alarm.opened") == 2 and "alarms_wait" in told
    with plain(data.events_db) as log:
        assert log.count_by_type()["forewarn.alarm.opened.v1"] == 1
