"""Settings of the clock are seen when they happen, and each is told once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from domain.cameras.steady_clock import LONGEST_TABLE, SteadyClock
from domain.data_dir import DataDir
from domain.events.catalog import ClockStepped
from event_log.log import EventLog
from flows.clock_keeper import ClockKeeper, looking_at

START_S = datetime(2026, 11, 30, 8, tzinfo=UTC).timestamp()


def test_an_idle_program_that_beats_knows_since_when_the_clock_is_another() -> None:
    up_s, ahead_s, beats = 0.0, 0.0, list[float]()
    clock = SteadyClock(boot_s=lambda: up_s, wall_s=lambda: START_S + up_s + ahead_s)
    beat = looking_at(clock, lambda: beats.append(up_s))
    for at_s in range(0, 7200, 60):
        up_s = float(at_s)
        ahead_s = -3600.0 if at_s >= 3600 else 0.0
        beat()
    (_, after) = clock.stretches
    assert (after.since.timestamp() - START_S, after.ahead_s) == (3600.0, -3600.0)
    assert len(beats) == 120


def test_a_setting_is_told_also_where_the_table_is_full(tmp_path: Path) -> None:
    up_s, ahead_s, data = 0.0, 0.0, DataDir(tmp_path)
    clock = SteadyClock(boot_s=lambda: up_s, wall_s=lambda: START_S + up_s + ahead_s)
    keeper = ClockKeeper(clock, data, "campus")
    for _ in range(LONGEST_TABLE + 3):
        up_s += 60
        ahead_s = 0.0 if ahead_s else -3600.0
        clock.look()
        if len(clock.stretches) >= LONGEST_TABLE - 1:
            keeper.tell()
    with EventLog.open(data.events_db) as log:
        told = {logged.event.data.steady_at for logged in log.read(types=[ClockStepped.event_type])}  # type: ignore[attr-defined]
    assert len(told) == LONGEST_TABLE + 3
    assert max(told) == clock.stretches[-1].since
