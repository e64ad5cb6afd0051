"""The console begins with what the tables say, and knows what it would know of the whole log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dashboards.data.offence_projection import OffenceProjection
from dashboards.data.past_offences import begin_projection
from domain.errors import TryAgain
from domain.events.catalog import Event, OffenceComplied, OutcomeData
from event_log.follower import LogFollower
from event_log.log import EventLog
from event_log.place import LogPlace
from tests.support.alarm_causes import camera, escalated
from tests.support.example_events import START, one_of_each, warned_event

HARBIN = ZoneInfo("Asia/Harbin")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    with EventLog.open(tmp_path / "events.sqlite") as opened:
        yield opened


def a_busy_day() -> list[Event]:
    """Make some offences, open and ended, on two days, and what happened around them."""
    open_ones = [warned_event(number, at=START + timedelta(hours=number)) for number in (2, 12, 13)]
    ended = [escalated(number, START + timedelta(hours=5 * number)) for number in range(6)]
    # an offence has one end
    others = (
        event
        for event in one_of_each()
        if isinstance(event.data, OffenceComplied) or not isinstance(event.data, OutcomeData)
    )
    return [*others, *open_ones, *ended, camera(3, "failed"), *open_ones]


@pytest.mark.parametrize("max_closed", [500, 3, 0])
def test_what_the_tables_say_is_what_the_whole_log_tells(log: EventLog, max_closed: int) -> None:
    log.append(a_busy_day())
    plain = OffenceProjection(HARBIN, max_closed)
    plain.take(logged.event for logged in log.read())
    made, place = begin_projection(log, HARBIN, max_closed)
    assert len(made.offences) == 3 + min(max_closed, 7) and len(set(made.counts)) >= 4
    for field in fields(OffenceProjection):
        if field.name != "latest_at" or max_closed:
            assert getattr(made, field.name) == getattr(plain, field.name), field.name
    assert place == LogPlace(log.log_id, log.last_seq(), log.id_at(log.last_seq()))


def test_what_comes_while_it_begins_is_told_once(log: EventLog) -> None:
    events = a_busy_day()
    log.append(events[:-4])
    made, place = begin_projection(log, HARBIN, 500)
    log.append(events[-4:])
    made.take(logged.event for logged in log.read(place.seq))
    whole, _ = begin_projection(log, HARBIN, 500)
    assert made == whole


def test_an_empty_log_has_nothing_to_begin_with(log: EventLog) -> None:
    made, place = begin_projection(log, HARBIN, 500)
    assert made == OffenceProjection(HARBIN, 500) and place.seq == 0


def test_a_beginning_that_failed_is_made_up_for(log: EventLog) -> None:
    log.append(a_busy_day())
    tries = []

    def begin(opened: EventLog) -> LogPlace:
        tries.append(opened)
        if len(tries) == 1:
            raise TryAgain("locked")
        return LogPlace(opened.log_id, 5)

    follower = LogFollower(log.path, begin=begin)
    with pytest.raises(TryAgain):
        follower.read()
    assert len(follower.read().events) == log.last_seq() - 5 and len(tries) == 2
    follower.close()
