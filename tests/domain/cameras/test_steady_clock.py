"""A clock that nobody sets, over settings of the wall's clock and restarts of program and machine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cameras.steady_clock import LONGEST_TABLE, SEEN_WITHIN, ClockFile, SteadyClock, Stretch

START_S = datetime(2026, 11, 30, 8, tzinfo=UTC).timestamp()


class Machine:
    """A machine whose clocks the test moves."""

    def __init__(self) -> None:
        self.boot_id = "first"
        self.up_s = 1000.0
        self.wall_s = START_S

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self.up_s += seconds
        self.wall_s += seconds

    def start_again(self, off_s: float, wall_s: float | None = None) -> None:
        """Turn the machine off and on; its clock then says `wall_s` (None: the right time)."""
        self.boot_id += "+"
        self.up_s = 5.0
        self.wall_s = self.wall_s + off_s if wall_s is None else wall_s

    def clock(self) -> SteadyClock:
        """Make a clock of no file."""
        return SteadyClock(boot_s=lambda: self.up_s, wall_s=lambda: self.wall_s)

    def file(self, folder: Path) -> ClockFile:
        """Return the folder's clock file, as a program of this run of the machine has it."""
        return ClockFile(
            folder / "clock.json",
            self.boot_id,
            boot_s=lambda: self.up_s,
            wall_s=lambda: self.wall_s,
        )


def passed_s(later: datetime, earlier: datetime) -> float:
    return round((later - earlier).total_seconds(), 3)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.mark.parametrize("step_s", [-3600, -60, 60, 3600, -START_S + 1e6])
def test_a_setting_of_the_wall_moves_nothing_but_what_the_wall_says(
    machine: Machine, step_s: float
) -> None:
    clock = machine.clock()
    before = clock.now()
    machine.pass_(10)
    machine.wall_s += step_s
    after = clock.now()
    assert passed_s(after, before) == 10
    machine.pass_(10)
    assert passed_s(clock.now(), after) == 10
    assert [round(each.ahead_s, 3) for each in clock.stretches] == [0.0, step_s]
    assert clock.wall(before) == before
    assert passed_s(clock.wall(clock.now()), after) == 10 + step_s


def test_a_wall_that_follows_its_time_server_is_not_set(machine: Machine) -> None:
    clock = machine.clock()
    for _ in range(100):
        machine.pass_(60)
        machine.wall_s += 0.004
    assert clock.stretches == (Stretch(clock.stretches[0].since, 0.0),)
    assert clock.wall(clock.now()) == clock.now()


def test_more_than_half_a_second_is_a_setting_and_smaller_ones_add_up(machine: Machine) -> None:
    clock = machine.clock()
    told = []
    for step_s in (0.6, 0.4, 0.4, -0.4, -0.6):
        machine.pass_(60)
        machine.wall_s += step_s
        told.append(round(clock.stretches[-1].ahead_s, 3))
    assert told == [0.6, 0.6, 1.4, 1.4, 0.4]


def test_the_table_of_a_clock_that_is_set_again_and_again_does_not_grow(machine: Machine) -> None:
    clock = machine.clock()
    for number in range(LONGEST_TABLE + 50):
        machine.pass_(60)
        machine.wall_s += 10 if number % 2 else -10
        clock.look()
    assert len(clock.stretches) == LONGEST_TABLE
    assert clock.of_wall(clock.wall(clock.now())) == clock.now()


def test_of_two_moments_with_the_same_wall_time_the_last_that_has_been_is_meant(
    machine: Machine,
) -> None:
    clock = machine.clock()
    start = clock.now()
    machine.pass_(600)
    machine.wall_s -= 300
    assert len(clock.stretches) == 2
    # it has not come to this again yet
    assert clock.of_wall(start + timedelta(seconds=500)) == start + timedelta(seconds=500)
    machine.pass_(250)
    assert clock.of_wall(start + timedelta(seconds=500)) == start + timedelta(seconds=800)
    assert clock.of_wall(start + timedelta(seconds=100)) == start + timedelta(seconds=100)


@given(steps_s=st.lists(st.integers(-4000, 4000).filter(lambda s: abs(s) > 1), max_size=6))
def test_the_wall_of_a_moment_leads_back_to_one_with_the_same_wall(steps_s: list[int]) -> None:
    machine = Machine()
    clock = machine.clock()
    moments = [clock.now()]
    for step_s in steps_s:
        machine.pass_(50)
        moments.append(clock.now())
        machine.wall_s += step_s
        machine.pass_(0.1)
        clock.now()
        assert clock.stretches
    machine.pass_(50)
    for moment in [*moments, clock.now()]:
        again = clock.of_wall(clock.wall(moment))
        assert moment - timedelta(milliseconds=1) <= again <= clock.now()
        assert abs(passed_s(clock.wall(again), clock.wall(moment))) <= 0.001 or any(
            each.since - SEEN_WITHIN <= again < each.since for each in clock.stretches
        )
    assert all(a < b for a, b in pairwise(moments))


@pytest.mark.parametrize("step_s", [0, -3600, -60, 60, 3600])
def test_a_restart_of_the_program_goes_on_exactly(
    machine: Machine, tmp_path: Path, step_s: float
) -> None:
    before = machine.file(tmp_path).open()
    moment = before.now()
    machine.pass_(20)
    machine.wall_s += step_s  # while no program runs
    again = machine.file(tmp_path).open()
    assert passed_s(again.now(), moment) == 20
    assert again.broken_at is None
    assert [round(each.ahead_s) for each in again.stretches] == ([0, step_s] if step_s else [0])


def test_after_a_start_of_the_machine_it_goes_on_by_the_wall(
    machine: Machine, tmp_path: Path
) -> None:
    clock = machine.file(tmp_path).open()
    machine.wall_s += 3600
    machine.pass_(100)
    machine.file(tmp_path).save(clock)
    last = clock.now()
    machine.start_again(off_s=40)
    again = machine.file(tmp_path).open()
    assert passed_s(again.now(), last) == 40 and again.broken_at is None
    assert len(again.stretches) == 2


def test_a_machine_without_a_battery_goes_on_and_knows_that_it_does_not_know_the_pause(
    machine: Machine, tmp_path: Path
) -> None:
    clock = machine.file(tmp_path).open()
    machine.pass_(100)
    machine.file(tmp_path).save(clock)
    last = clock.now()
    machine.start_again(off_s=0, wall_s=0.0)  # 1970
    again = machine.file(tmp_path).open()
    assert last < again.now() < last + timedelta(seconds=2)
    assert again.broken_at == again.now()
    assert again.wall(again.now()) == datetime(1970, 1, 1, tzinfo=UTC)
    machine.pass_(30)
    machine.wall_s = START_S + 5000  # the time server answers
    assert passed_s(again.now(), last) == 31
    assert abs(again.wall(again.now()).timestamp() - START_S - 5000) < 0.001
    # all programs of the folder have the same
    other = machine.file(tmp_path).open()
    assert other.now() == again.now() and other.broken_at == again.broken_at


def test_a_machine_that_was_put_back_to_an_earlier_moment_goes_forward(
    machine: Machine, tmp_path: Path
) -> None:
    clock = machine.file(tmp_path).open()
    machine.pass_(500)
    machine.file(tmp_path).save(clock)
    last = clock.now()
    machine.up_s -= 400  # its memory is older than its disk
    again = machine.file(tmp_path).open()
    assert again.now() >= last


DAMAGED: dict[str, object] = {
    "stretches": {"2026-11-30T08:00:00+00:00": 0.0},
    "broken_at": "yesterday",
    "anchor_s": 1e30,
    "last_at": "9999-12-31T23:59:59+00:00",
}


@pytest.mark.parametrize("field", [*DAMAGED, "anchor_s nan", "ahead_s nan", "ahead_s 1e30"])
@pytest.mark.parametrize("boot_id", ["first", "second"])
def test_a_damaged_value_is_made_anew_and_stops_nobody(
    machine: Machine, tmp_path: Path, field: str, boot_id: str
) -> None:
    """Before: every program of a live run ended with a traceback, at each start, until the file was deleted."""
    machine.file(tmp_path).open()
    file = tmp_path / "clock.json"
    content = json.loads(file.read_bytes())
    name, _, value = field.partition(" ")
    if name == "ahead_s":
        content["stretches"][0][1] = float(value)
    else:
        content[name] = float(value) if value else DAMAGED[name]
    file.write_text(json.dumps(content))
    machine.boot_id = boot_id
    assert machine.file(tmp_path).open().now().timestamp() == pytest.approx(machine.wall_s)


def test_a_machine_whose_clock_began_in_1970_goes_on(machine: Machine, tmp_path: Path) -> None:
    machine.wall_s = machine.up_s - 0.4
    clock = machine.file(tmp_path).open()
    machine.pass_(10)
    machine.wall_s += START_S
    assert machine.file(tmp_path).open().now() == clock.now()


@pytest.mark.parametrize("step_s", [-3600, -60, 60, 3600])
def test_what_was_written_between_a_setting_and_the_look_that_saw_it_is_not_old(
    machine: Machine, step_s: float
) -> None:
    """Before: the announcer took a warning of that moment for an hour old, and its call was never made."""
    clock = machine.clock()
    for _ in range(5):
        machine.pass_(3600)
        clock.look()
    machine.wall_s += step_s
    machine.pass_(0.05)
    happened, recorded_s = clock.now(), machine.wall_s
    machine.pass_(0.15)
    clock.look()
    recorded_at = datetime.fromtimestamp(recorded_s, UTC)
    assert abs(passed_s(clock.of_wall(recorded_at), happened)) <= 0.001
    assert abs(passed_s(clock.of_wall(clock.wall(clock.now())), clock.now())) <= 0.001


def test_what_was_asked_while_nobody_looked_at_the_clock_is_not_ahead_of_now(
    machine: Machine,
) -> None:
    """Before: once the clock was set back, a command of that time was taken for one of the coming hour."""
    clock = machine.clock()
    machine.pass_(60)
    machine.wall_s += 3600  # no program runs
    machine.pass_(30)
    happened, asked_s = clock.now(), machine.wall_s
    machine.pass_(600)
    clock.look()
    machine.pass_(60)
    machine.wall_s -= 3600
    clock.look()
    assert passed_s(clock.of_wall(datetime.fromtimestamp(asked_s, UTC)), happened) == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"boot_id": "first"}', b"\0" * 50])
def test_a_torn_file_is_made_anew(machine: Machine, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "clock.json").write_bytes(content)
    clock = machine.file(tmp_path).open()
    assert clock.now().timestamp() == pytest.approx(machine.wall_s)
    assert json.loads((tmp_path / "clock.json").read_bytes())["boot_id"] == "first"
