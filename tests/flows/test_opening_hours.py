"""Rules apply within their hours, on the site's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Stop
from flows.opening_hours import Hours

MONDAY_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("notation", "at", "expected"),
    [
        (None, MONDAY_NOON, True),
        ("Mo-Fr 08:00-20:00", MONDAY_NOON, True),
        ("Mo-Fr 08:00-20:00", MONDAY_NOON.replace(day=7), False),
        ("22:00-06:00", MONDAY_NOON.replace(hour=23), True),
        ("22:00-06:00", MONDAY_NOON.replace(hour=5), True),
        ("22:00-06:00", MONDAY_NOON, False),
        ("Mo-Su 08:00-20:00; 2026 Mar 02 off", MONDAY_NOON, False),
    ],
)
def test_hours_say_when_a_rule_applies(notation: str | None, at: datetime, expected: bool) -> None:
    assert Hours("keep-off", notation, "UTC").apply_at(at) is expected


def test_the_sites_own_clock_counts() -> None:
    hours = Hours("keep-off", "08:00-20:00", "Asia/Shanghai")
    assert hours.apply_at(datetime(2026, 3, 2, 0, 30, tzinfo=UTC))
    assert not hours.apply_at(MONDAY_NOON.replace(hour=13))


def test_daylight_saving_is_followed() -> None:
    hours = Hours("keep-off", "08:00-09:00", "Europe/London")
    assert hours.apply_at(datetime(2026, 3, 28, 8, 30, tzinfo=UTC))
    assert hours.apply_at(datetime(2026, 3, 30, 7, 30, tzinfo=UTC))
    assert not hours.apply_at(datetime(2026, 3, 30, 8, 30, tzinfo=UTC))


@pytest.mark.parametrize("notation", ["soon", "Mo-Fr 25:00-26:00x", "off"])
def test_hours_that_cannot_be_read_or_never_begin_are_refused(notation: str) -> None:
    with pytest.raises(Stop, match="keep-off"):
        Hours("keep-off", notation, "UTC")


@pytest.mark.parametrize(
    ("night", "open_h"),
    [("2026-03-28", 8), ("2026-07-01", 9), ("2026-10-24", 10)],  # clocks change in two of them
)
def test_a_night_in_which_clocks_change_is_as_long_as_it_is(night: str, open_h: int) -> None:
    hours = Hours("quiet", "22:00-07:00", "Europe/Berlin")
    begins = datetime.fromisoformat(f"{night}T22:00").replace(tzinfo=ZoneInfo("Europe/Berlin"))
    quarters = [begins.astimezone(UTC) + timedelta(minutes=15 * n) for n in range(-4, 48)]
    assert sum(map(hours.apply_at, quarters)) == open_h * 4


def test_the_longest_night_of_a_year_is_the_one_with_an_hour_twice() -> None:
    hours = Hours("quiet", "22:00-07:00", "Europe/Berlin")
    assert hours.longest_s(datetime(2026, 1, 1, 12, tzinfo=UTC)) == 10 * 3600


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_a_night_that_goes_on_a_year_later_is_not_endless(hour: int) -> None:
    hours = Hours("quiet", "22:00-07:00", "Asia/Shanghai")
    assert hours.longest_s(MONDAY_NOON.replace(hour=hour)) == 9 * 3600
    always = Hours("quiet", "00:00-24:00", "Asia/Shanghai")
    assert always.longest_s(MONDAY_NOON.replace(hour=hour)) is None


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)))
def test_no_moment_of_a_year_is_too_odd_to_be_judged(at: datetime) -> None:
    local = at.replace(tzinfo=UTC).astimezone(ZoneInfo("Europe/Berlin"))
    is_open = Hours("quiet", "02:00-02:45", "Europe/Berlin").apply_at(at.replace(tzinfo=UTC))
    assert is_open == (local.hour == 2 and local.minute < 45)
