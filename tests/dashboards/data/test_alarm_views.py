"""The console's alarms: which are read, in which order they stand, and who could be sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from casework.alarms.desk import AlarmActor, AlarmDesk
from casework.alarms.moves import AlarmAction
from casework.alarms.policy import AlarmPolicy
from dashboards.data import alarm_views
from dashboards.data.alarm_views import (
    AlarmView,
    alarm_view,
    people_to_send,
    queue_of,
    read_alarm_views,
)
from domain.access.people import People
from domain.base import both
from domain.cameras.steady_clock import SteadyClock
from event_log.log import EventLog
from tests.support.alarm_causes import disk, escalated
from tests.support.example_events import START

WANG = AlarmActor("Wang Fang", "console")
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
def log(tmp_path: Path) -> Iterator[EventLog]:
    with EventLog.open(tmp_path / "events.sqlite") as opened:
        yield opened


@pytest.fixture
def desk(log: EventLog) -> AlarmDesk:
    return AlarmDesk(log, AlarmPolicy("campus"), SteadyClock())


def test_an_alarm_is_read_with_what_may_be_done_about_it_by_its_own_table(
    log: EventLog, desk: AlarmDesk
) -> None:
    log.append([escalated(1), disk("full")])
    first, second = desk.look()
    views = read_alarm_views(log)
    assert set(views) == {first.subject, second.subject}
    view = views[first.subject]
    assert view.is_unanswered and view.offence_id and view.number == 1
    assert view.actions == (AlarmAction.ACKNOWLEDGE, AlarmAction.ASSIGN, AlarmAction.FALSE_ALARM)
    desk.move(first.subject, AlarmAction.ACKNOWLEDGE, WANG)
    moved = read_alarm_views(log)[first.subject]
    assert (moved.is_unanswered, moved.holder, moved.number) == (False, "Wang Fang", 2)
    assert (view.sounding.reopened, moved.sounding.reopened) == (0, 2)
    assert AlarmAction.SET_OUT in moved.actions


def test_what_a_newer_forewarn_opened_is_shown_and_cannot_be_moved(
    log: EventLog, desk: AlarmDesk
) -> None:
    log.append([escalated(1)])
    (event,) = desk.look()
    row = desk.move(event.subject, AlarmAction.ACKNOWLEDGE, WANG)
    assert alarm_view({**row, "moves_version": 99}).actions == ()


def test_of_closed_ones_only_the_last_are_read(
    log: EventLog, desk: AlarmDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm_views, "MOST_CLOSED", 1)
    log.append([escalated(number) for number in range(3)])
    ids = [event.subject for event in desk.look()]
    for alarm_id in ids[:2]:
        desk.move(alarm_id, AlarmAction.FALSE_ALARM, WANG, reason="a test")
        desk.move(alarm_id, AlarmAction.CLOSE, WANG)
    assert set(read_alarm_views(log)) == {ids[1], ids[2]}


def test_unanswered_ones_stand_first_escalations_on_top_and_of_those_the_oldest() -> None:
    older = START - timedelta(seconds=60)
    alarms = [
        replace(NEW, alarm_id="answered", state="acknowledged", opened_at=older),
        replace(NEW, alarm_id="disk", offence_id="", severity="serious", opened_at=older),
        replace(NEW, alarm_id="younger"),
        replace(NEW, alarm_id="older", opened_at=older),
        replace(NEW, alarm_id="grave", severity="serious"),
        replace(NEW, alarm_id="closed", is_open=False, state="closed"),
    ]
    wanted = ["grave", "older", "younger", "disk", "answered"]
    for each in (alarms, alarms[::-1]):
        assert [alarm.alarm_id for alarm in queue_of(each)] == wanted


def test_who_was_sent_last_is_offered_first_then_officers_else_everybody() -> None:
    sent = [
        replace(NEW, holder="patrol 3"),
        replace(NEW, holder="patrol 7", changed_at=START + timedelta(seconds=1)),
    ]
    assert people_to_send(None, sent) == ["patrol 7", "patrol 3"]
    listed = [{"id": "olga", "name": "Olga", "roles": ["operator"]}]
    assert people_to_send(People.model_validate({"people": listed}), []) == ["Olga"]
    listed.append({"id": "felix", "name": "Felix", "roles": ["officer"]})
    people = People.model_validate({"people": listed})
    assert people_to_send(people, sent) == ["patrol 7", "patrol 3", "Felix"]
    many = [replace(NEW, holder=f"patrol {number}") for number in range(20)]
    assert len(people_to_send(people, many)) == 9  # each has a key
