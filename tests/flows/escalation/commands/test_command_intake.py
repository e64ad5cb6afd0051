"""Commands on their way from the log to a ladder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from by_operators import ASKED_AT, command_event

from domain.events.catalog import (
    CommandRefused,
    Event,
    OffenceComplied,
    OffenceOpened,
    OffenceTakenOver,
    OffenceWarned,
)
from domain.events.commands import CommandKind, Refusal, answer_id
from domain.events.refusals import refuse
from domain.rule_key import RuleKey
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from flows.escalation.commands.command_intake import CommandContext, PendingCommand, take_up
from tests.support.example_events import one_of_each

KEY = RuleKey("gate", "no-lingering")
TAKE, SPEAK = CommandKind.TAKE_OVER, CommandKind.SPEAK


def example(kind: type) -> Event:
    return next(event for event in one_of_each() if type(event.data) is kind)


OPENED, WARNED = example(OffenceOpened), example(OffenceWarned)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    """Open and warn an offence."""
    with EventLog.open(tmp_path / "events.sqlite") as made:
        made.append([OPENED, WARNED])
        yield made


def desk(log: EventLog, **more: Any) -> CommandContext:
    return CommandContext(log.find, log.about, **{"keys": {KEY}, **more})


def asked(log: EventLog, kind: CommandKind = TAKE, **more: Any) -> LoggedEvent:
    about = {"camera_id": "gate", "rule_id": "no-lingering", **more}
    log.append([command_event(kind, about.pop("offence_id", OPENED.subject), **about)])
    return log.read()[-1]


def why(taken: PendingCommand | Event | None) -> Refusal:
    assert isinstance(taken, Event) and isinstance(taken.data, CommandRefused)
    return taken.data.why


def test_a_new_command_acts_no_sooner_than_the_last_thing_on_record(log: EventLog) -> None:
    taken = take_up(asked(log), desk(log))
    assert isinstance(taken, PendingCommand)
    assert taken.not_before == WARNED.time > OPENED.time
    assert not taken.is_answered


def test_an_answered_command_acts_at_the_same_moment_again(log: EventLog) -> None:
    given = asked(log)
    moment = WARNED.time + timedelta(seconds=7)
    log.append([replace(example(OffenceTakenOver), id=answer_id(given.event.id), time=moment)])
    taken = take_up(given, desk(log))
    assert isinstance(taken, PendingCommand)
    assert (taken.not_before, taken.is_answered) == (moment, True)


def test_a_refused_command_stays_refused(log: EventLog) -> None:
    given = asked(log)
    log.append([refuse(given.event, Refusal.TAKEN_BY_ANOTHER, "Li")])
    assert take_up(given, desk(log)) is None


def test_what_cannot_reach_a_ladder_is_refused(log: EventLog) -> None:
    assert why(take_up(asked(log), desk(log, keys={"other|rule"}))) is Refusal.NOT_WATCHED
    unknown = asked(log, offence_id="ofc-nowhere")
    assert why(take_up(unknown, desk(log))) is Refusal.UNKNOWN
    log.append([example(OffenceComplied)])
    ended = take_up(asked(log, operator="Li"), desk(log))
    assert why(ended) is Refusal.ENDED
    assert "complied" in ended.data.explanation  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "live", "after_s", "is_refused"),
    [
        (SPEAK, {"gate"}, 4, False),
        (SPEAK, {"gate"}, 6, True),
        (SPEAK, set(), 6, False),  # a recording is never too late
        (TAKE, {"gate"}, 6, False),
    ],
)
def test_only_words_for_a_live_camera_lose_their_use(
    log: EventLog, kind: CommandKind, live: set[str], after_s: float, is_refused: bool
) -> None:
    now = ASKED_AT + timedelta(seconds=after_s)
    taken = take_up(asked(log, kind), desk(log, live_cameras=live, now=lambda: now))
    if is_refused:
        assert why(taken) is Refusal.TOO_LATE
    else:
        assert isinstance(taken, PendingCommand)
