"""`forewarn alarms`: what is to be answered, and moves that are put on record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from casework.alarms.desk import AlarmDesk
from casework.alarms.policy import AlarmPolicy
from casework.alarms.reading import MoveRefused
from domain.access.decisions import NotAllowed
from domain.cameras.steady_clock import ClockFile
from domain.data_dir import DataDir
from domain.errors import Stop
from domain.events.catalog import AlarmMoved
from event_log.log import EventLog
from forewarn.commands import alarms
from tests.support.alarm_causes import disk, escalated

APP = Typer()
APP.add_typer(alarms.app, name="alarms")


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """Open two alarms."""
    data = DataDir(tmp_path)
    with EventLog.open(data.events_db) as log:
        desk = AlarmDesk(log, AlarmPolicy("campus"), ClockFile(data.clock).open())
        desk.look()
        log.append([escalated(1), disk("full")])
        assert len(desk.look()) == 2
    return data


def run(data: DataDir, *words: str) -> Result:
    argv = ["alarms", *words, "--data", str(data.root)]
    return CliRunner().invoke(APP, argv, env={"FOREWARN_OPERATOR": "Wang"})


def listed(data: DataDir, *words: str) -> list[dict[str, Any]]:
    result = run(data, "list", "--json", *words)
    assert result.exit_code == 0
    return [json.loads(each) for each in result.stdout.splitlines()]


def test_alarms_are_listed_with_those_that_nobody_has_answered_first(data: DataDir) -> None:
    first, second = listed(data)
    assert {first["kind"], second["kind"]} == {"offence", "disk full"}
    answered = run(data, "acknowledge", first["alarm_id"][:9], "--json")
    assert json.loads(answered.stdout)["holder"] == "Wang"
    assert [row["alarm_id"] for row in listed(data)] == [second["alarm_id"], first["alarm_id"]]
    shown = run(data, "list")
    assert shown.exit_code == 0 and "acknowledged" in shown.stderr and "new" in shown.stderr


def test_a_story_from_acknowledged_to_closed_is_on_record_with_who_did_it(data: DataDir) -> None:
    alarm_id = next(row["alarm_id"] for row in listed(data) if row["kind"] == "offence")
    for words in (
        ("acknowledge", alarm_id),
        ("assign", alarm_id, "--to", "patrol 3"),
        ("move", alarm_id, "arrive"),
        ("move", alarm_id, "persuaded", "--reason", "went on at once"),
        ("move", alarm_id, "close"),
    ):
        assert run(data, *words).exit_code == 0
    assert [row["kind"] for row in listed(data)] == ["disk full"]
    assert len(listed(data, "--all")) == 2
    story = json.loads(run(data, "show", alarm_id, "--json").stdout)
    assert [step["state"] for step in story["history"]] == [
        *("new", "acknowledged", "assigned", "on-site", "persuaded", "closed"),
    ]
    with EventLog.open(data.events_db) as log:
        moved = [each.event.data for each in log.about(alarm_id)][1:]
    assert all(isinstance(each, AlarmMoved) and each.by == "Wang" for each in moved)
    told = run(data, "show", alarm_id).stdout
    assert "acknowledged to assigned: assign by Wang, with patrol 3" in told


def test_what_is_not_possible_is_said_in_one_sentence(data: DataDir) -> None:
    alarm_id = listed(data)[0]["alarm_id"]
    for words, why in (
        (("move", alarm_id, "close"), "possible: acknowledge, assign"),
        (("move", alarm_id, "false-alarm"), "needs a reason"),
        (("show", "alm-"), "several"),
        (("show", "nothing"), "no alarm"),
    ):
        error = run(data, *words).exception
        assert isinstance(error, MoveRefused) and why in str(error)
    assert run(data, "move", alarm_id, "dance").exit_code == 2
    gone = run(DataDir(data.root / "elsewhere"), "list").exception
    assert isinstance(gone, Stop) and "no event log" in str(gone)


def test_who_may_not_command_may_not_answer(data: DataDir) -> None:
    data.people.write_text(
        "people:\n  - {id: wang, name: Wang, roles: [reviewer], accounts: [nobody-else]}\n"
    )
    alarm_id = listed(data)[0]["alarm_id"]
    argv = ["alarms", "acknowledge", alarm_id, "--data", str(data.root)]
    error = CliRunner().invoke(APP, argv, env={"FOREWARN_OPERATOR": ""}).exception
    assert isinstance(error, NotAllowed)
    assert {row["state"] for row in listed(data)} == {"new"}
