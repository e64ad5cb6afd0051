"""A request becomes one command, and a command has one answer that can be waited for."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from domain.access.decisions import ask_as_account, decide
from domain.access.people import People
from domain.access.permissions import Permission
from domain.base import BothLanguages
from domain.errors import PutAside
from domain.events.announcements import AnnouncementMade, announcement_of
from domain.events.catalog import CommandRefused, Event, OffenceComplied, OffenceWarned
from domain.events.commands import LONGEST_NAME, LONGEST_WORDS, CommandKind, Refusal
from domain.events.refusals import refuse
from event_log.commands import (
    CommandRequest,
    find_answer,
    give_command,
    wait_for_answer,
    wait_for_call,
)
from event_log.log import EventLog
from tests.support.example_events import one_of_each, warned_event

WARNED = warned_event()
TAKE_OVER = CommandRequest(CommandKind.TAKE_OVER, WARNED.subject, "王芳", "console")
SPEAK = replace(TAKE_OVER, command=CommandKind.SPEAK)


@pytest.fixture
def log(event_log: EventLog) -> EventLog:
    """Give a log with one open offence."""
    event_log.append([WARNED])
    return event_log


def example(kind: type) -> Event:
    return next(event for event in one_of_each() if isinstance(event.data, kind))


def refusal_of(log: EventLog, command: Event) -> CommandRefused | None:
    answer = find_answer(log, command.id)
    return answer.refusal if answer else None


def test_a_command_says_who_asked_for_what_about_which_offence(log: EventLog) -> None:
    request = replace(SPEAK, reason="why", text_id="go", despite=("cap",), taking_from="李雷")
    command = give_command(log, request)
    data = command.data
    assert (data.command, data.operator, data.via) == (CommandKind.SPEAK, "王芳", "console")
    assert (data.offence_id, command.subject) == (WARNED.subject, WARNED.subject)
    assert (data.site_id, data.camera_id, data.rule_id) == ("campus", "gate", "no-lingering")
    assert (data.reason, data.text_id, data.despite) == ("why", "go", ("cap",))
    assert (data.taking_from, data.person, data.role) == ("李雷", "", "")
    assert command.source == "forewarn/campus/operators"
    assert command.time == data.asked_at
    assert [logged.event for logged in log.read()] == [WARNED, command]
    assert find_answer(log, command.id) is None, "the watch flow decides"


def test_a_double_click_is_one_command(log: EventLog) -> None:
    first, second = give_command(log, TAKE_OVER), give_command(log, TAKE_OVER)
    assert first == second
    assert log.last_seq() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"command": CommandKind.HAND_BACK},
        {"operator": "Li Lei"},
        {"text_id": "go"},
        {"words": BothLanguages(zh="走", en="Go")},
        {"taking_from": "Li Lei"},
        {"despite": ("cap",), "reason": "why"},
        {"key": "another button"},
    ],
)
def test_anything_else_that_is_asked_for_is_another_command(
    log: EventLog, changes: dict[str, Any]
) -> None:
    assert give_command(log, TAKE_OVER).id != give_command(log, replace(TAKE_OVER, **changes)).id


@pytest.mark.parametrize("changes", [{"reason": "said differently"}, {"via": "command line"}])
def test_why_and_where_it_is_asked_makes_no_other_command(
    log: EventLog, changes: dict[str, Any]
) -> None:
    first = give_command(log, TAKE_OVER)
    assert give_command(log, replace(TAKE_OVER, **changes)) == first


def test_once_the_offence_has_moved_on_the_same_request_is_another_command(log: EventLog) -> None:
    first = give_command(log, TAKE_OVER)
    log.append([replace(WARNED, id="evt-later")])
    assert give_command(log, TAKE_OVER).id != first.id
    keyed = replace(TAKE_OVER, key="click-1")
    second = give_command(log, keyed)
    log.append([replace(WARNED, id="evt-later-still")])
    assert give_command(log, keyed) == second, "a key is the same until it is another"


def test_what_was_refused_may_be_asked_for_again(log: EventLog) -> None:
    first = give_command(log, TAKE_OVER)
    log.append([refuse(first, Refusal.CAPPED)])
    second = give_command(log, TAKE_OVER)
    assert second.id != first.id
    assert refusal_of(log, first) is not None and find_answer(log, second.id) is None


def test_an_unknown_offence_is_refused_in_the_same_write(log: EventLog) -> None:
    command = give_command(log, replace(TAKE_OVER, offence_id="ofc-nothing"))
    refused = refusal_of(log, command)
    assert refused is not None and refused.why is Refusal.UNKNOWN
    assert "ofc-nothing" in refused.explanation
    assert command.source == "forewarn/unknown-site/operators"
    assert (command.data.site_id, command.data.camera_id) == ("", "")


def test_an_offence_that_has_ended_is_refused_with_its_outcome(log: EventLog) -> None:
    ended = example(OffenceComplied)
    log.append([replace(ended, subject=WARNED.subject)])
    refused = refusal_of(log, give_command(log, TAKE_OVER))
    assert refused is not None and refused.why is Refusal.ENDED
    assert ended.data.model_dump()["state"] in refused.explanation


def test_who_may_not_is_refused_and_the_same_request_counts_anew_once_they_may(
    log: EventLog,
) -> None:
    def asked_by(*roles: str) -> CommandRequest:
        person = {"id": "wang", "name": "王芳", "roles": roles, "accounts": ["wfang"]}
        people = People.model_validate({"people": [person]})
        decision = decide(people, ask_as_account(people, "wfang"), Permission.COMMAND)
        return replace(TAKE_OVER, decision=decision)

    forbidden = give_command(log, asked_by())
    refused = refusal_of(log, forbidden)
    assert refused is not None and refused.why is Refusal.NOT_ALLOWED
    assert (forbidden.data.person, forbidden.data.role) == ("wang", "")
    allowed = give_command(log, asked_by("operator"))
    assert allowed.id != forbidden.id
    assert find_answer(log, allowed.id) is None
    assert (allowed.data.person, allowed.data.role) == ("wang", "operator")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"operator": ""}, "needs the name of who asks"),
        ({"operator": "  "}, "needs the name of who asks"),
        ({"operator": "Wang\nFang"}, "needs the name of who asks"),
        ({"operator": "x" * (LONGEST_NAME + 1)}, "a name has at most"),
        ({"command": CommandKind.DISMISS}, "needs a reason"),
        ({"command": CommandKind.DISPATCH, "reason": " "}, "needs a reason"),
        ({"despite": ("cap", "quiet-hours")}, "despite cap and quiet-hours: needs a reason"),
        ({"reason": "x" * (LONGEST_WORDS + 1)}, "a reason or a text has at most"),
        ({"words": BothLanguages(zh="走" * (LONGEST_WORDS + 1), en="Go")}, "at most"),
    ],
)
def test_a_request_that_lacks_something_is_put_aside_and_nothing_is_written(
    log: EventLog, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(PutAside, match=words):
        give_command(log, replace(TAKE_OVER, **changes))
    assert log.last_seq() == 1


@pytest.mark.parametrize("is_refused", [True, False])
def test_an_answer_that_comes_later_is_waited_for(log: EventLog, is_refused: bool) -> None:
    command = give_command(log, TAKE_OVER)
    refused = refuse(command, Refusal.CAPPED)
    answer = refused if is_refused else replace(WARNED, id=refused.id)
    timer = threading.Timer(0.3, log.append, [[answer]])
    timer.start()
    found = wait_for_answer(log, command.id, 60)
    timer.join()
    assert found is not None and found.event == answer
    assert found.refusal == (refused.data if is_refused else None)


def test_a_wait_without_an_answer_ends(log: EventLog) -> None:
    command = give_command(log, TAKE_OVER)
    began_s = time.monotonic()
    assert wait_for_answer(log, command.id, 0.25) is None
    assert wait_for_call(log, WARNED.id, 0.25) is None
    assert time.monotonic() - began_s >= 0.5


def test_what_came_of_a_call_is_found_by_its_warning(log: EventLog) -> None:
    made = example(AnnouncementMade)
    log.append([replace(made, id=announcement_of(WARNED.id))])
    assert wait_for_call(log, WARNED.id, 0) == made.data
    assert wait_for_call(log, "evt-other", 0) is None


def test_something_else_under_that_id_is_no_announcement(log: EventLog) -> None:
    log.append([replace(WARNED, id=announcement_of("evt-other"))])
    assert isinstance(WARNED.data, OffenceWarned)
    assert wait_for_call(log, "evt-other", 0) is None
