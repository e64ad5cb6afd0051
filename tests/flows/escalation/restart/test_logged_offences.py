"""What the event log tells a ladder that goes on with a live camera."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.events.catalog import (
    CommandGiven,
    Event,
    OffenceEscalated,
    OffenceOpened,
    OffenceWarned,
)
from domain.rule_key import RuleKey
from event_log.log import EventLog
from flows.escalation.restart.logged_offences import LoggedOffences
from tests.support.example_events import one_of_each

EXAMPLES = {each.data.event_type: each for each in one_of_each()}
OPENED = EXAMPLES[OffenceOpened.event_type]
WARNED = EXAMPLES[OffenceWarned.event_type]
ENDED = EXAMPLES[OffenceEscalated.event_type]
assert isinstance(OPENED.data, OffenceOpened)
KEY = RuleKey(OPENED.data.camera_id, OPENED.data.rule_id)
ID = OPENED.subject


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    with EventLog.open(tmp_path / "events.sqlite") as log:
        yield log


def told(log: EventLog) -> LoggedOffences:
    return LoggedOffences(log, [KEY.camera_id])


def test_an_open_offence_is_told_from_its_opening_on(log: EventLog) -> None:
    log.append([OPENED, WARNED])
    assert told(log).stories(KEY, [], None) == {ID: (OPENED, WARNED)}


def test_one_that_has_ended_is_told_where_it_is_asked_for_or_ended_after_the_saved_state(
    log: EventLog,
) -> None:
    log.append([OPENED, WARNED, ENDED])
    whole = {ID: (OPENED, WARNED, ENDED)}
    assert told(log).stories(KEY, [], None) == {}
    assert told(log).stories(KEY, [ID], None) == whole
    assert told(log).stories(KEY, [], ENDED.time - timedelta(seconds=1)) == whole
    assert told(log).stories(KEY, [], ENDED.time + timedelta(seconds=1)) == {}


def test_other_rules_stories_and_those_never_told_are_left_out(log: EventLog) -> None:
    log.append([OPENED])
    assert told(log).stories(RuleKey("elsewhere", "no-lingering"), [], None) == {}
    assert set(told(log).stories(KEY, ["ofc-suspected-only"], None)) == {ID}


def test_cameras_that_play_recordings_are_not_covered(log: EventLog) -> None:
    assert told(log).covers(KEY)
    assert not LoggedOffences(log, []).covers(KEY)


def test_a_story_whose_opening_is_gone_is_no_story(log: EventLog) -> None:
    log.append([WARNED])
    assert told(log).stories(KEY, [ID], None) == {}


def test_what_was_asked_for_stands_in_the_story_too(log: EventLog) -> None:
    command = EXAMPLES[CommandGiven.event_type]
    about = Event(command.id, command.source, ID, command.time, command.data)
    log.append([OPENED, about])
    assert told(log).stories(KEY, [], None) == {ID: (OPENED, about)}
