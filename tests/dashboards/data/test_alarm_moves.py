"""Moves from the page: with the visitor's identity, never by an old page, never half done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from casework.alarms.desk import AlarmDesk
from casework.alarms.moves import AlarmAction
from casework.alarms.policy import AlarmPolicy
from casework.alarms.reading import MoveRefused
from dashboards.data.alarm_moves import AlarmWish, move_alarm
from domain.access.decisions import Asker, Decision
from domain.access.permissions import Permission
from domain.cameras.steady_clock import SteadyClock
from domain.data_dir import DataDir
from domain.events.catalog import AlarmMoved
from event_log.log import EventLog
from tests.support.alarm_causes import escalated

OLGA = Decision(Permission.COMMAND, Asker("Olga", "olga", "password"), "operator")
TYPED = Decision(Permission.COMMAND, Asker(""))
ASKED = {"who": " Li Na ", "reason": "", "assigned_to": "", "seen_number": 1, "nonce": "x"}


@pytest.fixture
def data(tmp_path: Path) -> Iterator[DataDir]:
    yield DataDir(tmp_path)


@pytest.fixture
def wish(data: DataDir) -> AlarmWish:
    """Wish to acknowledge an alarm, by a page that knows its first event."""
    with EventLog.open(data.events_db) as log:
        log.append([escalated(1)])
        (event,) = AlarmDesk(log, AlarmPolicy("campus"), SteadyClock()).look()
    return AlarmWish.read({"alarm_id": event.subject, "action": "acknowledge", **ASKED})


def _moved(data: DataDir) -> list[AlarmMoved]:
    with EventLog.open(data.events_db) as log:
        return [each.event.data for each in log.read(types=[AlarmMoved.event_type])]  # type: ignore[misc]


def test_who_is_logged_in_stands_on_record_whatever_the_page_says(
    data: DataDir, wish: AlarmWish
) -> None:
    view = move_alarm(data, replace(wish, who="the mayor"), OLGA, is_listed=True)
    assert (view.state, view.holder) == ("acknowledged", "Olga")
    (moved,) = _moved(data)
    assert (moved.by, moved.person, moved.role, moved.via) == (
        "Olga",
        "olga",
        "operator",
        "console",
    )


def test_without_a_list_a_name_is_typed_and_needed(data: DataDir, wish: AlarmWish) -> None:
    with pytest.raises(MoveRefused, match="needs the name of who does it"):
        move_alarm(data, replace(wish, who=""), TYPED, is_listed=False)
    assert _moved(data) == []
    assert move_alarm(data, wish, TYPED, is_listed=False).holder == "Li Na"


def test_an_old_page_is_told_what_somebody_did_in_between_and_nothing_is_done(
    data: DataDir, wish: AlarmWish
) -> None:
    move_alarm(data, wish, OLGA, is_listed=True)
    send = replace(wish, action=AlarmAction.ASSIGN, assigned_to="patrol 3")
    with pytest.raises(MoveRefused, match="with Olga now") as refused:
        move_alarm(data, send, TYPED, is_listed=False)
    assert "由 Olga 负责" in refused.value.why.zh
    assert len(_moved(data)) == 1
    assert (
        move_alarm(data, replace(send, seen_number=2), TYPED, is_listed=False).holder == "patrol 3"
    )


def test_a_double_click_is_one_move(data: DataDir, wish: AlarmWish) -> None:
    once = move_alarm(data, wish, OLGA, is_listed=True)
    assert move_alarm(data, wish, OLGA, is_listed=True) == once
    assert len(_moved(data)) == 1


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"alarm_id": "alm-1", "action": "dance", **ASKED},
        {"alarm_id": "alm-1", "action": "close", **ASKED, "seen_number": None},
    ],
)
def test_what_is_no_wish_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        AlarmWish.read(asked)
