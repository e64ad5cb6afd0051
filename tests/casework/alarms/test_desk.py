"""What opens an alarm, what ends it by itself, and what people may do with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from casework.alarms.desk import AlarmActor, AlarmDesk
from casework.alarms.moves import AlarmAction
from casework.alarms.policy import AlarmPolicy
from casework.alarms.reading import MoveRefused
from domain.events.catalog import AlarmData, AlarmOpened, AlarmOverdue, Event, OffenceDispatched
from domain.site.recipients import AlarmSettings
from domain.site.site import Site
from event_log.log import EventLog
from event_log.projections.tables import ALARMS
from tests.casework.alarms.conftest import POLICY
from tests.support.alarm_causes import camera, disk, escalated
from tests.support.example_events import one_of_each
from tests.support.made_up_machine import MadeUpMachine

WANG, LI = AlarmActor("Wang Fang", "console"), AlarmActor("Li Na", "command line")


def alarms(log: EventLog) -> list[dict[str, Any]]:
    wanted = ALARMS.select().order_by(ALARMS.c.opened_at, ALARMS.c.alarm_id)
    with log.reading("look") as connection:
        return [dict(row) for row in connection.execute(wanted).mappings()]


def example(kind: type) -> Event[Any]:
    return next(event for event in one_of_each() if isinstance(event.data, kind))


def opened(events: list[Event[AlarmData]]) -> list[AlarmOpened]:
    return [event.data for event in events if isinstance(event.data, AlarmOpened)]


def the_one(log: EventLog, desk: AlarmDesk) -> str:
    """Open an alarm, and return its id."""
    desk.look()
    log.append([escalated(1)])
    (data,) = opened(desk.look())
    return data.alarm_id


def test_an_offence_that_asks_for_a_person_has_one_alarm_whatever_else_asks(
    log: EventLog, desk: AlarmDesk
) -> None:
    log.append(one_of_each()[:-5])  # an officer is requested, sent by hand, and it escalates
    (data,) = [each for each in opened(desk.look()) if each.kind == "offence"]
    assert data.told == ("desk",) and data.severity == "ordinary" and data.moves_version == 1
    assert desk.look() == []
    log.append([escalated(1), escalated(2)])
    assert len(opened(desk.look())) == 2


def test_a_dismissal_after_the_escalation_closes_the_alarm_as_false_in_one_go(
    log: EventLog, desk: AlarmDesk
) -> None:
    log.append([escalated(1)])
    # a moment ago: nobody has looked yet; and pressed twice
    for _ in range(2):
        row = desk.dismiss(escalated(1).subject, WANG, "the gardener, at work")
        assert (row["state"], row["is_open"], row["due_at"]) == ("closed", False, None)
    story = [each.event.data for each in log.about(row["alarm_id"])]
    assert [getattr(each, "action", "") for each in story] == ["", "false-alarm", "close"]
    assert {getattr(each, "reason", "the gardener, at work") for each in story} == {
        "the gardener, at work"
    }
    desk.move(row["alarm_id"], AlarmAction.REOPEN, LI, reason="it was not the gardener")
    assert desk.dismiss(escalated(1).subject, LI, "it was, after all")["state"] == "closed"


def test_an_escalation_asks_again_where_who_was_sent_before_has_come_and_gone(
    log: EventLog, desk: AlarmDesk
) -> None:
    sent, escalation = example(OffenceDispatched), escalated(1)
    data = sent.data.model_copy(update={"offence_id": escalation.subject})
    log.append([replace(sent, subject=escalation.subject, data=data)])
    (alarm,) = opened(desk.look())
    for action in (AlarmAction.ACKNOWLEDGE, AlarmAction.NOBODY_THERE, AlarmAction.CLOSE):
        desk.move(alarm.alarm_id, action, WANG)
    log.append([escalation])
    (again,) = [event.data for event in desk.look()]
    assert (again.alarm_id, again.state, again.is_open) == (alarm.alarm_id, "reopened", True)
    assert again.due_at is not None and desk.look() == []
    desk.move(alarm.alarm_id, AlarmAction.ACKNOWLEDGE, WANG)
    desk.move(alarm.alarm_id, AlarmAction.PERSUADED, WANG)
    assert desk.look() == []  # who moved it knew of the escalation


def test_an_escalation_asks_nobody_twice_while_somebody_is_under_way(
    log: EventLog, desk: AlarmDesk
) -> None:
    sent, escalation = example(OffenceDispatched), escalated(1)
    data = sent.data.model_copy(update={"offence_id": escalation.subject})
    log.append([replace(sent, subject=escalation.subject, data=data)])
    (alarm,) = opened(desk.look())
    desk.move(alarm.alarm_id, AlarmAction.ASSIGN, WANG, assigned_to="patrol 3")
    log.append([escalation])
    assert desk.look() == []
    desk.move(alarm.alarm_id, AlarmAction.NOBODY_THERE, WANG)
    assert desk.look() == []


def test_what_has_no_alarm_or_was_found_to_be_so_is_not_dismissed(
    log: EventLog, desk: AlarmDesk
) -> None:
    with pytest.raises(MoveRefused, match="no such alarm"):
        desk.dismiss("ofc-nowhere", WANG, "so")
    alarm_id = the_one(log, desk)
    desk.move(alarm_id, AlarmAction.ACKNOWLEDGE, LI)
    desk.move(alarm_id, AlarmAction.PERSUADED, LI)
    before = log.last_seq()
    with pytest.raises(MoveRefused, match="persuaded"):
        desk.dismiss(escalated(1).subject, WANG, "so")
    with pytest.raises(MoveRefused, match="reason"):
        desk.dismiss(escalated(1).subject, WANG, " ")
    assert log.last_seq() == before


def test_a_dead_switch_that_darkens_300_cameras_is_one_alarm_with_300_names(
    log: EventLog, desk: AlarmDesk, machine: MadeUpMachine
) -> None:
    desk.look()
    for first in range(0, 300, 60):  # they are missed one after the other
        log.append([camera(number, "failed") for number in range(first, first + 60)])
        desk.look()
        machine.now_s += 20
    desk.look()
    (row,) = alarms(log)
    assert len(row["names"]) == len(set(row["names"])) == 300
    assert row["told"] == ["desk"]  # once
    # another day, another cause
    machine.now_s += 3600
    log.append([camera(999, "stalled")])
    desk.look()
    machine.now_s += 15
    assert [data.names for data in opened(desk.look())] == [("cam-999",)]


def test_a_camera_that_is_back_at_once_is_no_alarm(
    log: EventLog, desk: AlarmDesk, machine: MadeUpMachine
) -> None:
    desk.look()
    log.append([camera(1, "stalled"), camera(2, "failed")])
    assert desk.look() == []
    log.append([camera(1, "up")])
    machine.now_s += 15
    assert [data.names for data in opened(desk.look())] == [("cam-2",)]


def test_an_alarm_is_over_by_itself_once_all_of_it_has_been_well_for_a_minute(
    log: EventLog, desk: AlarmDesk, machine: MadeUpMachine
) -> None:
    desk.look()
    log.append([disk("full"), camera(1, "failed"), camera(2, "failed")])
    desk.look()
    machine.now_s += 20
    desk.look()
    log.append([disk("ok"), camera(1, "up")])
    machine.now_s += 65
    desk.look()
    states = {row["kind"]: row["state"] for row in alarms(log)}
    assert states == {"disk full": "over", "cameras": "new"}
    # one that comes and goes is the same alarm still
    log.append([camera(2, "up")])
    machine.now_s += 30
    desk.look()
    log.append([camera(2, "failed", nth=1)])
    machine.now_s += 40
    desk.look()
    assert [row["state"] for row in alarms(log) if row["kind"] == "cameras"] == ["new"]
    log.append([camera(2, "up", nth=1)])
    machine.now_s += 65
    desk.look()
    assert [row["is_open"] for row in alarms(log)] == [False, False]
    log.append([camera(2, "failed", nth=2)])
    machine.now_s += 200
    assert len(opened(desk.look())) == 1


def test_what_asked_long_before_there_were_alarms_opens_none(
    log: EventLog, machine: MadeUpMachine
) -> None:
    log.append([escalated(1)])
    machine.now_s += 3600
    log.append([escalated(2)])
    machine.now_s += 60
    desk = AlarmDesk(log, POLICY, machine.clock())
    assert [data.names for data in opened(desk.look())] == [(escalated(2).subject,)]
    # from then on nothing is passed over, however long the program was away
    log.append([escalated(3)])
    machine.now_s += 86_400
    assert len(opened(AlarmDesk(log, POLICY, machine.clock()).look())) == 1


def test_nobodys_write_is_held_up_while_nothing_is_due(
    log: EventLog, machine: MadeUpMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append([escalated(1)])  # long before there were alarms
    machine.now_s += 3600
    desk = AlarmDesk(log, POLICY, machine.clock())
    desk.look()
    log.append([escalated(2), disk("full")])
    settled, _ = (event.subject for event in desk.look())
    for action in (AlarmAction.ACKNOWLEDGE, AlarmAction.SETTLED):
        desk.move(settled, action, WANG)
    log.append([disk("ok")])
    machine.now_s += 61
    desk.look()
    monkeypatch.setattr(EventLog, "writing", lambda *_: pytest.fail("took the write lock"))
    assert desk.look() == []


def test_who_never_answers_is_reminded_three_times_more_and_then_left_alone(
    log: EventLog, desk: AlarmDesk, machine: MadeUpMachine
) -> None:
    alarm_id = the_one(log, desk)
    for _ in range(12):
        machine.now_s += 3601
        desk.look()
    (row,) = alarms(log)
    assert row["told"] == ["desk", "patrol", *["chief"] * 4] and row["due_at"] is None
    assert desk.move(alarm_id, AlarmAction.ACKNOWLEDGE, WANG)["holder"] == "Wang Fang"


def test_an_alarm_goes_from_new_to_closed_and_says_who_has_it(
    log: EventLog, desk: AlarmDesk
) -> None:
    alarm_id = the_one(log, desk)
    for action, state, holder, is_open in (
        (AlarmAction.ACKNOWLEDGE, "acknowledged", "Wang Fang", True),
        (AlarmAction.ASSIGN, "assigned", "patrol 3", True),
        (AlarmAction.SET_OUT, "on-the-way", "patrol 3", True),
        (AlarmAction.ARRIVE, "on-site", "patrol 3", True),
        (AlarmAction.PERSUADED, "persuaded", "patrol 3", True),
        (AlarmAction.CLOSE, "closed", "patrol 3", False),
        (AlarmAction.REOPEN, "reopened", "", True),
    ):
        who = {"reason": "not over", "assigned_to": "patrol 3"}
        row = desk.move(alarm_id, action, WANG, **who)
        assert (row["state"], row["holder"], row["is_open"]) == (state, holder, is_open)
    assert row["due_at"] is not None  # somebody has to answer anew


def test_a_double_click_is_one_move_and_two_people_are_told_apart(
    log: EventLog, desk: AlarmDesk
) -> None:
    alarm_id = the_one(log, desk)
    once = desk.move(alarm_id, AlarmAction.ACKNOWLEDGE, WANG)
    assert desk.move(alarm_id, AlarmAction.ACKNOWLEDGE, WANG) == once
    with pytest.raises(MoveRefused, match="acknowledged, with Wang Fang now") as refused:
        desk.move(alarm_id, AlarmAction.ACKNOWLEDGE, LI)
    assert refused.value.why.zh.startswith(
        "报警现为“已确认”，由 Wang Fang 负责（Wang Fang：确认）；可以：指派"
    )
    # a page that does not know yet what Wang did
    with pytest.raises(MoveRefused, match="possible: assign"):
        desk.move(alarm_id, AlarmAction.ASSIGN, LI, assigned_to="Li Na", seen_number=1)
    row = desk.move(alarm_id, AlarmAction.ASSIGN, LI, assigned_to="Li Na", seen_number=2)
    assert row["holder"] == "Li Na" and len(log.about(alarm_id)) == 3


@pytest.mark.parametrize(
    ("action", "actor", "details", "words"),
    [
        (AlarmAction.FALSE_ALARM, WANG, {}, "needs a reason"),
        (AlarmAction.ASSIGN, WANG, {"assigned_to": " "}, "who is to go"),
        (AlarmAction.ACKNOWLEDGE, AlarmActor(" ", "console"), {}, "name of who does it"),
        (AlarmAction.ASSIGN, WANG, {"assigned_to": "x" * 81}, "at most 80"),
        (AlarmAction.ASSIGN, WANG, {"assigned_to": "a\x1b[2J"}, "printable"),
        (AlarmAction.FALSE_ALARM, WANG, {"reason": "x" * 501}, "at most 500"),
        (AlarmAction.CLOSE, WANG, {}, "not answered now"),
        (AlarmAction.CAUSE_OVER, WANG, {}, "not answered now"),
    ],
)
def test_what_is_not_possible_is_refused_in_one_sentence_and_nothing_is_written(
    log: EventLog,
    desk: AlarmDesk,
    action: AlarmAction,
    actor: AlarmActor,
    details: dict[str, str],
    words: str,
) -> None:
    alarm_id = the_one(log, desk)
    with pytest.raises(MoveRefused, match=words):
        desk.move(alarm_id, action, actor, **details)
    assert len(log.about(alarm_id)) == 1
    with pytest.raises(MoveRefused, match="no such alarm"):
        desk.move("alm-0", AlarmAction.ACKNOWLEDGE, WANG)


def test_a_hand_off_that_nobody_takes_up_is_told_of_as_well(
    log: EventLog, desk: AlarmDesk, machine: MadeUpMachine
) -> None:
    alarm_id = the_one(log, desk)
    desk.move(alarm_id, AlarmAction.ASSIGN, WANG, assigned_to="patrol 3")
    machine.now_s += 3 * POLICY.within_s.ordinary - 1
    assert desk.look() == []
    machine.now_s += 2
    (event,) = desk.look()
    assert isinstance(event.data, AlarmOverdue) and event.data.told == ("patrol",)
    desk.move(alarm_id, AlarmAction.ARRIVE, WANG)
    machine.now_s += 86_400
    assert desk.look() == []  # who is there is left alone


def test_two_desks_open_one_alarm(log: EventLog, machine: MadeUpMachine) -> None:
    desks = [AlarmDesk(log, POLICY, machine.clock()) for _ in range(2)]
    desks[0].look()
    log.append([escalated(1)])
    assert [len(desk.look()) for desk in desks] == [1, 0]


def test_a_site_says_who_is_told_and_how_urgent_its_rules_are(site: Site) -> None:
    policy = AlarmPolicy.of_site(site)
    rule = site.rules[0]
    assert policy.severity("offence", rule.id) == rule.severity
    assert policy.severity("offence", "gone") == "ordinary"
    assert policy.severity("disk full") == "serious"
    assert policy.line == () and policy.told_at(0) == policy.told_at(3) == ()
    changed = site.model_copy(
        update={"alarms": AlarmSettings(tells=("a", "boss", "b"), supervisor="boss")}
    )
    policy = AlarmPolicy.of_site(changed)
    assert [policy.told_at(level) for level in range(4)] == [("a",), ("b",), ("boss",), ("boss",)]
