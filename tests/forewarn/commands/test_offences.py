"""`forewarn offences`: what is open, and commands that are written and answered."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from domain.data_dir import DataDir
from domain.errors import PutAside, Stop, TryAgain
from domain.events.announcements import AnnouncementMade, announcement_of
from domain.events.catalog import (
    AlarmMoved,
    CommandGiven,
    Event,
    Mark,
    OffenceComplied,
    OffenceEscalated,
    OffenceOpened,
    OffenceTakenOver,
    OffenceWarned,
)
from domain.events.commands import CommandKind, Refusal, answer_id, command_id
from domain.events.refusals import refuse
from event_log.commands import CommandRequest, give_command
from event_log.log import EventLog
from forewarn.commands import offences
from forewarn.site.put_in_force import apply_file
from tests.support.example_events import one_of_each

APP = Typer()
APP.add_typer(offences.app, name="offences")


def example(kind: type) -> Event:
    return next(event for event in one_of_each() if type(event.data) is kind)


OFFENCE = example(OffenceOpened).subject


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """Log an open offence."""
    data = DataDir(tmp_path)
    with EventLog.open(data.events_db) as log:
        log.append([example(OffenceOpened)])
    return data


def run(data: DataDir, *words: str) -> Result:
    argv = ["offences", *words, "--data", str(data.root)]
    return CliRunner().invoke(APP, argv, env={"FOREWARN_OPERATOR": "Wang"})


def printed(result: Result) -> dict[str, Any]:
    return json.loads(result.stdout)  # type: ignore[no-any-return]


def given(data: DataDir) -> list[CommandGiven]:
    with EventLog.open(data.events_db) as log:
        return [e.event.data for e in log.read() if isinstance(e.event.data, CommandGiven)]


def test_a_long_log_is_not_read_through_for_a_command(
    data: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run(data, "list", "--json").stdout
    for name in ("read", "read_page", "read_page_within"):
        monkeypatch.setattr(EventLog, name, lambda *_, **__: pytest.fail("read through the log"))
    assert run(data, "list", "--json").stdout == before != ""
    run(data, "take-over", OFFENCE[:8], "--wait", "0")
    monkeypatch.undo()
    assert [each.offence_id for each in given(data)] == [OFFENCE]


def test_open_offences_are_listed_with_who_has_them(data: DataDir) -> None:
    assert printed(run(data, "list", "--json"))["state"] == "opened"
    assert OFFENCE in run(data, "list").output or OFFENCE in run(data, "list").stderr
    with EventLog.open(data.events_db) as log:
        log.append([example(OffenceTakenOver)])
    assert printed(run(data, "list", "--json"))["taken_by"] == "Wang Fang"
    with EventLog.open(data.events_db) as log:
        log.append([example(OffenceComplied)])
    assert run(data, "list", "--json").stdout == ""
    assert printed(run(data, "list", "--all", "--json"))["state"] == "complied"


def test_a_command_that_nobody_takes_up_stays_on_record_and_is_written_once(data: DataDir) -> None:
    for _ in range(2):  # a script that tries again
        result = run(data, "take-over", OFFENCE[:8], "--wait", "0", "--json")
        assert isinstance(result.exception, TryAgain)
        assert printed(result)["result"] == "waiting"
    (command,) = given(data)
    assert (command.operator, command.via, command.rule_id) == (
        "Wang",
        "command line",
        "no-lingering",
    )


def test_a_command_that_is_carried_out_says_so(data: DataDir) -> None:
    id_ = command_id(OFFENCE, CommandKind.TAKE_OVER, "Wang", "k1")
    taken = example(OffenceTakenOver)
    with EventLog.open(data.events_db) as log:
        log.append([Event(answer_id(id_), taken.source, OFFENCE, taken.time, taken.data)])
    result = run(data, "take-over", OFFENCE, "--key", "k1", "--json")
    assert result.exit_code == 0
    assert printed(result) == {
        "command_id": id_,
        "command": "take over",
        "offence_id": OFFENCE,
        "result": "done",
        "state": "taken-over",
        "event_id": answer_id(id_),
        "why": None,
        "explanation": None,
    }


def test_what_was_escalated_is_dismissed_by_closing_its_alarm_as_false(data: DataDir) -> None:
    escalated = example(OffenceEscalated)
    with EventLog.open(data.events_db) as log:
        log.append([replace(escalated, time=datetime.now(UTC))])
    result = run(data, "dismiss", OFFENCE, "--reason", "the gardener", "--json")
    assert result.exit_code == 0, result.exception
    assert (printed(result)["result"], printed(result)["alarm_state"]) == ("done", "closed")
    shown = printed(run(data, "list", "--all", "--json"))
    assert (shown["state"], shown["dismissed_by"]) == ("escalated", "Wang")
    assert shown["remark"] == "the gardener"
    with EventLog.open(data.events_db) as log:
        moved = [e.event.data for e in log.read() if isinstance(e.event.data, AlarmMoved)]
    assert [(each.action, each.by, each.reason) for each in moved] == [
        ("false-alarm", "Wang", "the gardener"),
        ("close", "Wang", "the gardener"),
    ]


def test_somebody_starts_an_offence_that_no_rule_has_found(
    data: DataDir, sample_site_file: Path
) -> None:
    apply_file(sample_site_file, data)
    begin = ("start", "--camera", "gate-early", "--rule", "no-lingering", "--wait", "0")
    for at, exit_code in (("0.4,0.7", 1), ("0.4", 2), ("0.4,1.2", 2), ("nan,0.1", 2)):
        result = run(data, *begin, "--at", at, "--key", "k1", "--json")
        assert result.exit_code == exit_code
    again = run(data, *begin, "--at", "0.4,0.7", "--key", "k1", "--json")
    assert isinstance(again.exception, TryAgain) and printed(again)["result"] == "waiting"
    (command,) = given(data)
    assert (command.command, command.mark) == (CommandKind.START, Mark(x=0.4, y=0.7))
    assert printed(again)["offence_id"] == command.offence_id
    strange = run(data, *begin[:1], "--camera", "gate", *begin[3:], "--at", "0.4,0.7")
    assert isinstance(strange.exception, PutAside) and "gate-early" in str(strange.exception)


def test_what_is_plainly_impossible_is_refused_at_once_and_on_record(data: DataDir) -> None:
    with EventLog.open(data.events_db) as log:
        log.append([example(OffenceComplied)])
    for offence_id, why in ((OFFENCE, "offence has ended"), ("ofc-nowhere", "unknown offence")):
        result = run(data, "dismiss", offence_id, "--reason", "so", "--json")
        assert isinstance(result.exception, PutAside)
        assert (printed(result)["result"], printed(result)["why"]) == ("refused", why)
    assert [each.offence_id for each in given(data)] == [OFFENCE, "ofc-nowhere"]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["dismiss", OFFENCE, "--reason", " "], "reason"),
        (["dispatch", OFFENCE, "--note", ""], "reason"),
        (["take-over", OFFENCE, "--by", "Wang\nFang"], "name"),
        (["dismiss", OFFENCE, "--reason", "x" * 501], "500"),
    ],
)
def test_without_a_name_or_a_needed_reason_nothing_is_written(
    data: DataDir, words: list[str], what: str
) -> None:
    result = run(data, *words)
    assert isinstance(result.exception, PutAside) and what in str(result.exception)
    assert given(data) == []


def test_own_words_are_needed_in_both_languages(data: DataDir) -> None:
    assert run(data, "speak", OFFENCE, "--zh", "请离开").exit_code == 2
    assert given(data) == []
    run(data, "speak", OFFENCE, "--zh", "请离开", "--en", "Please leave", "--wait", "0")
    (command,) = given(data)
    assert command.words is not None and command.words.en == "Please leave"


def test_a_mistyped_data_folder_is_told_and_not_made(tmp_path: Path) -> None:
    nowhere = DataDir(tmp_path / "no-such")
    result = run(nowhere, "take-over", OFFENCE)
    assert isinstance(result.exception, Stop)
    assert not nowhere.root.exists()


def test_words_despite_quiet_hours_need_a_reason_and_stand_on_record_with_it(
    data: DataDir,
) -> None:
    words = ("speak", OFFENCE, "--wait", "0")
    assert run(data, *words, "--despite", "the-law").exit_code == 2
    result = run(data, *words, "--despite", "quiet-hours")
    assert isinstance(result.exception, PutAside) and "reason" in str(result.exception)
    assert given(data) == []
    run(data, *words, "--despite", "cap", "--despite", "quiet-hours", "--reason", "ice breaks")
    (command,) = given(data)
    assert (command.despite, command.reason) == (("quiet-hours", "cap"), "ice breaks")


@pytest.mark.parametrize("result", ["played", "busy"])
def test_whoever_has_words_spoken_is_told_whether_they_were(data: DataDir, result: str) -> None:
    id_ = command_id(OFFENCE, CommandKind.SPEAK, "Wang", "k1")
    warned, made = example(OffenceWarned), example(AnnouncementMade)
    call = made.data.model_copy(update={"result": result, "reason": "so it was"})
    with EventLog.open(data.events_db) as log:
        answer = replace(warned, id=answer_id(id_), subject=OFFENCE)
        log.append([answer, replace(made, id=announcement_of(answer.id), data=call)])
    told_of = run(data, "speak", OFFENCE, "--key", "k1", "--json")
    assert (printed(told_of)["result"], printed(told_of)["call"]["result"]) == ("done", result)
    if result == "played":
        assert told_of.exit_code == 0
    else:
        assert isinstance(told_of.exception, PutAside)
        assert "not heard: busy: so it was" in str(told_of.exception)


def test_a_command_that_was_refused_may_be_asked_for_again(data: DataDir) -> None:
    ask = CommandRequest(CommandKind.SPEAK, OFFENCE, "Wang", "command line")
    with EventLog.open(data.events_db) as log:
        first = give_command(log, ask)
        assert give_command(log, ask).id == first.id
        log.append([refuse(first, Refusal.QUIET_HOURS, "until 07:00")])
        assert give_command(log, ask).id != first.id
