"""What deletes by a term goes by a time that is believed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.cameras.believed_clock import Belief, BelievedClock

START_S = datetime(2026, 3, 2, 8, 0, tzinfo=UTC).timestamp()
HOUR_S, DAY_S = 3600.0, 86400.0
TWO_YEARS_S = 731 * DAY_S


@dataclass
class Machine:
    """A machine whose clock is set, and that is switched off."""

    path: Path
    boot: str = "first"
    boot_s: float = 100.0
    wall_s: float = START_S

    def run(self, s: float) -> Belief:
        self.boot_s += s
        self.wall_s += s
        return self.look()

    def look(self, *, is_right: bool = False) -> Belief:
        clock = BelievedClock(
            self.path, self.boot, boot_s=lambda: self.boot_s, wall_s=lambda: self.wall_s
        )
        return clock.look(is_right=is_right)

    def restart(self, off_s: float) -> None:
        self.boot, self.boot_s, self.wall_s = f"{self.boot}'", 5.0, self.wall_s + off_s

    @property
    def is_believed(self) -> bool:
        found = self.look()
        return not found.doubt and found.at.timestamp() == self.wall_s


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path / "believed-clock.json")
    assert machine.is_believed
    return machine


@pytest.mark.parametrize("is_restart", [False, True])
def test_a_clock_that_jumps_ahead_is_not_believed_until_a_day_of_running(
    machine: Machine, is_restart: bool
) -> None:
    machine.run(900)
    if is_restart:
        machine.restart(TWO_YEARS_S)
    else:
        machine.wall_s += TWO_YEARS_S
    found = machine.run(900)
    assert "2028-03-02" in found.doubt and "--clock-is-right" in found.doubt
    assert 0 <= found.at.timestamp() - START_S - 900 <= 900  # only what really passed counts
    for _ in range(94):
        found = machine.run(900)
    assert found.doubt and found.at.timestamp() < START_S + DAY_S + HOUR_S
    machine.run(HOUR_S)
    assert machine.is_believed


def test_put_right_or_said_to_be_right_it_is_believed_at_once(machine: Machine) -> None:
    machine.wall_s += TWO_YEARS_S
    assert machine.run(60).doubt
    machine.wall_s -= TWO_YEARS_S
    assert machine.is_believed
    machine.wall_s += TWO_YEARS_S
    assert machine.run(60).doubt
    machine.look(is_right=True)
    assert machine.is_believed


def test_small_settings_summer_time_and_nights_off_are_believed(machine: Machine) -> None:
    for step_s in (-HOUR_S, HOUR_S, 60, -60):
        machine.wall_s += step_s
        assert machine.look().doubt == ""
        machine.run(DAY_S)
    for _ in range(5):
        machine.restart(12 * HOUR_S)
        assert machine.is_believed


def test_a_dead_battery_and_then_a_time_server_is_no_jump(machine: Machine) -> None:
    machine.restart(-TWO_YEARS_S)
    assert machine.run(900).at.timestamp() == machine.wall_s  # set back, nothing is due early
    machine.wall_s += TWO_YEARS_S + 60
    assert machine.is_believed


def test_another_jump_begins_the_day_anew(machine: Machine) -> None:
    machine.wall_s += TWO_YEARS_S
    for hours in range(1, 24):
        assert machine.run(HOUR_S).doubt, hours
    machine.wall_s += TWO_YEARS_S
    for hours in range(1, 24):
        assert machine.run(HOUR_S).doubt, hours


def test_a_torn_file_is_begun_anew(machine: Machine) -> None:
    machine.path.write_text('{"boot_id": "fir')
    assert machine.is_believed
