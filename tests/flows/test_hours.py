"""Rules apply within their hours, on the site's clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.errors import Stop
from flows.hours import Hours

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
