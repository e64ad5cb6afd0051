"""An alarm's message reaches whose turn it is, once; where nobody answers, it reaches the next one, too."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alarm_causes import camera, escalated
from bytewax.testing import run_main
from fake_sender import FakeSender
from made_up_machine import MadeUpMachine
from notice_requests import request, site_with

from casework.alarms.desk import AlarmActor, AlarmDesk
from casework.alarms.moves import AlarmAction
from casework.alarms.policy import AlarmPolicy
from domain.data_dir import DataDir
from domain.errors import TryAgain
from domain.events.catalog import AlarmNotified, AlarmOpened
from domain.site.recipients import AlarmSettings
from domain.site.site import Site
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from flows.notices.deliver import WANTED_TYPES, deliver
from flows.notices.notes import MessageNotes
from flows.notices.tools import NoticeTools
from flows.notify import build_notify_flow
from flows.sinks.event_log import EventLogSink
from flows.sources.event_log import EventLogSource
from forewarn.programs.notify import alarms_of

OPERATOR = AlarmActor("Wang Fang", "console")


class Killed(BaseException):
    """The program is gone."""


class Scene:
    """A log, an alarms desk and a notifier of one site, with a clock that the test moves."""

    def __init__(self, folder: Path, site: Site, machine: MadeUpMachine) -> None:
        self.data, self.machine = DataDir(folder), machine
        self.log = EventLog.open(self.data.events_db)
        self.clock = machine.clock()
        self.desk = AlarmDesk(self.log, AlarmPolicy.of_site(site), self.clock)
        self.senders = {each.id: FakeSender() for each in site.recipients}
        self.tools = NoticeTools(
            site,
            self.senders,
            MessageNotes(self.data),
            None,  # type: ignore[arg-type]
            self.log.find,
            frozenset(),
            now=lambda: self.clock.wall(self.clock.now()),
            of_wall=self.clock.of_wall,
            find_alarm=alarms_of(self.log),
        )

    def after(self, seconds: float) -> None:
        """Let time pass, then both programs do what is due; the notifier begins at the log's start."""
        self.machine.now_s += seconds
        self.desk.look()
        everything = threading.Event()
        everything.set()
        source = EventLogSource(self.data.events_db, WANTED_TYPES, threading.Event(), everything)
        sink = EventLogSink(self.data.events_db)
        run_main(build_notify_flow(self.tools, source, sink, threading.Event()))

    def titles(self) -> dict[str, list[str]]:
        return {name: [each.title for each in to.arrived] for name, to in self.senders.items()}

    def told(self) -> list[AlarmNotified]:
        return [each.event.data for each in self.log.read(types=[AlarmNotified.event_type])]  # type: ignore[misc]

    def opened(self) -> LoggedEvent:
        (opened,) = self.log.read(types=[AlarmOpened.event_type])
        return opened


@pytest.fixture
def scene(tmp_path: Path, sample_site_file: Path) -> Iterator[Scene]:
    people: list[dict[str, Any]] = [
        {"id": "desk", "useful_s": 60},
        {"id": "patrol", "language": "both"},
        {"id": "chief", "language": "zh"},
    ]
    settings = AlarmSettings(tells=("desk", "patrol"), supervisor="chief")
    site = site_with(sample_site_file, *people).model_copy(update={"alarms": settings})
    machine = MadeUpMachine()
    with machine.in_force():
        made = Scene(tmp_path / "var", site, machine)
        made.log.append([escalated(0, made.clock.now())])
        made.desk.look()
        yield made


def test_nobody_answers_and_the_next_ones_are_told_until_somebody_does(scene: Scene) -> None:
    alarm = scene.opened().event.subject
    scene.after(1)
    assert scene.titles() == {
        "desk": [
            "Campus crossing: A person is asked for; suspected: No lingering on the forecourt"
        ],
        "patrol": [],
        "chief": [],
    }
    scene.after(181)
    (to_patrol,) = scene.senders["patrol"].arrived
    assert to_patrol.title == (
        "校园路口：第 2 次通知，仍待处理：请派人到现场，疑似：请勿在前场停留 / Campus crossing: "
        "still open, message 2: A person is asked for; suspected: No lingering on the forecourt"
    )
    assert (
        "Messages before this one: 1;" in to_patrol.body
        and "Since: 2026-03-02 08:00:00 GMT" in to_patrol.body
    )
    offence = escalated(0).subject
    assert f"http://10.0.0.5:5006/live?lang=en&alarm={alarm}&offence={offence}" in to_patrol.body
    scene.machine.set_by_s = -7200.0  # the wall's clock
    scene.after(181)
    assert [len(titles) for titles in scene.titles().values()] == [1, 1, 1]
    scene.desk.move(alarm, AlarmAction.ACKNOWLEDGE, OPERATOR)
    scene.after(181)
    assert [len(titles) for titles in scene.titles().values()] == [1, 1, 1]
    assert [(each.recipient_id, each.level, each.result) for each in scene.told()] == [
        ("desk", 0, "sent"),
        ("patrol", 1, "sent"),
        ("chief", 2, "sent"),
    ]


def test_what_is_answered_before_a_message_is_through_is_nobody_elses_errand(scene: Scene) -> None:
    asked = scene.opened()
    scene.senders["desk"].outcome = "not reached"
    with pytest.raises(TryAgain):
        deliver(asked, "desk", scene.tools)
    scene.desk.move(asked.event.subject, AlarmAction.ACKNOWLEDGE, OPERATOR)
    scene.senders["desk"].outcome = "sent"
    made = deliver(asked, "desk", scene.tools).data
    assert (made.result, scene.senders["desk"].arrived) == ("withheld", [])
    assert "Wang Fang has answered it" in made.reason


@pytest.mark.parametrize("moment", ["takes", "taken"])
def test_a_notifier_that_is_killed_tells_nobody_twice_of_an_alarm(
    scene: Scene, moment: str
) -> None:
    def be_killed() -> None:
        raise Killed

    asked, desk = scene.opened(), scene.senders["desk"]
    setattr(desk, moment, be_killed)
    with pytest.raises(Killed):
        deliver(asked, "desk", scene.tools)
    setattr(desk, moment, lambda: None)
    made = deliver(asked, "desk", scene.tools)
    assert made == deliver(asked, "desk", scene.tools)
    assert made.data.result == "unknown whether sent"
    assert len(desk.arrived) == (moment == "taken")


def test_a_message_that_is_too_old_says_so_and_the_next_one_is_told_all_the_same(
    scene: Scene,
) -> None:
    scene.after(182)
    assert [(each.recipient_id, each.result) for each in scene.told()] == [
        ("desk", "too late"),
        ("patrol", "sent"),
    ]


def test_after_an_outage_the_last_call_of_what_nobody_answered_still_goes_out(scene: Scene) -> None:
    for _ in range(60):  # the notifier does not run, and the line is called to its end
        scene.machine.now_s += 60
        scene.desk.look()
    scene.after(1)
    made = {each.level: (each.recipient_id, each.result) for each in scene.told()}
    last = max(made)
    assert made.pop(last) == ("chief", "sent")
    assert {result for _, result in made.values()} == {"too late"}
    assert [len(titles) for titles in scene.titles().values()] == [0, 0, 1]


def test_of_many_cameras_some_are_named_and_the_rest_counted(scene: Scene) -> None:
    now = scene.clock.now()
    scene.log.append([camera(number, "failed", now) for number in range(8)])
    scene.after(16)
    message = scene.senders["desk"].arrived[-1]
    assert message.title == "Campus crossing: Cameras give no usable picture"
    assert "Where: cam-0, cam-1, cam-2, cam-3, cam-4 and 3 more" in message.body


def test_a_recipient_that_the_site_file_has_not_any_more_is_on_record(scene: Scene) -> None:
    site = scene.tools.site.model_copy(update={"recipients": ()})
    made = deliver(scene.opened(), "desk", replace(scene.tools, site=site)).data
    assert (made.result, made.service) == ("failed", "fake")


def test_what_rungs_tell_of_leaves_alarms_their_own_limit(
    tmp_path: Path, sample_site_file: Path
) -> None:
    desk = {"id": "desk", "max_per_hour": 2}
    site = site_with(sample_site_file, desk).model_copy(
        update={"alarms": AlarmSettings(tells=("desk",))}
    )
    machine = MadeUpMachine()
    with machine.in_force():
        scene = Scene(tmp_path / "var", site, machine)
        scene.tools = replace(scene.tools, live_cameras=frozenset({"gate-early"}))
        now = scene.clock.now()
        scene.log.append([request(number, now) for number in range(3)])
        scene.after(1)
        assert len(scene.senders["desk"].arrived) == 2
        scene.log.append([escalated(number, now) for number in range(3)])
        scene.after(1)
        assert sorted(each.result for each in scene.told()) == [
            "over the hourly limit",
            "sent",
            "sent",
        ]
