"""Which alarm sounds on a page: the gravest first, three a minute at most, again when nobody answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboards.data.alarm_views import AlarmView
from dashboards.data.poller import ConsoleData
from dashboards.display_names import DisplayNames
from domain.base import both
from tests.support.example_events import START

NEW = AlarmView(
    *(
        "alm-1",
        "offence",
        "ordinary",
        "new",
        True,
        1,
        0,
        ("ofc-1",),
        "ofc-1",
        "gate",
        "no-lingering",
    ),
    *(both("请派人", "please"), START, START, "", (), ()),
)


@pytest.fixture
def rung():
    """Let seconds pass, look, and return what sounds and how many are counted."""
    from dashboards.pages.bell import Bell

    now = [0.0]
    bell = Bell(DisplayNames(None, "en"), now_s=lambda: now[0])

    def look(alarms: list[AlarmView], after_s: float = 0.5) -> tuple[str, int]:
        now[0] += after_s
        before = bell.view.tone
        bell.look(ConsoleData(alarms={alarm.alarm_id: alarm for alarm in alarms}))
        is_new = bell.view.tone is not before
        return (bell.view.tone["alarm_id"] if is_new else "", bell.view.unanswered)

    return look


def test_an_alarm_sounds_once_and_once_more_when_nobody_has_answered(rung):
    assert rung([]) == ("", 0)
    assert rung([NEW]) == ("alm-1", 1)
    assert rung([NEW]) == ("", 1)
    assert rung([replace(NEW, level=1, number=2)]) == ("alm-1", 1)
    assert rung([replace(NEW, state="acknowledged", number=3)]) == ("", 0)


def test_of_many_at_most_three_sound_within_a_minute_the_gravest_first(rung):
    many = [
        replace(NEW, alarm_id=f"alm-{n}", opened_at=START + timedelta(seconds=n)) for n in range(9)
    ]
    grave = replace(NEW, alarm_id="grave", severity="serious")
    heard = [rung([*many, grave])[0] for _ in range(20)]
    assert [each for each in heard if each] == ["grave", "alm-0", "alm-1"]
    assert rung([*many, grave], after_s=60) == ("alm-2", 10)
