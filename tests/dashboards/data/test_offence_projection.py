"""The event log folds into offences as the console shows them."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from dashboards.data.offence_projection import OffenceProjection, OffenceView
from domain.events.catalog import Event
from event_log.follower import LogFollower
from event_log.log import EventLog
from tests.support.example_events import one_of_each, warned_event

LONDON = ZoneInfo("Europe/London")


def _book(events: list[Event], max_closed: int = 500) -> OffenceProjection:
    book = OffenceProjection(LONDON, max_closed)
    book.take(events)
    return book


def test_an_offence_carries_every_step_in_the_order_of_their_times(staged):
    offence_id = staged.offence(1, "complied", calls=2)
    book = _book(LogFollower(staged.data.events_db).read().events)  # type: ignore[arg-type]
    offence = book.offences[offence_id]
    assert offence.state == "complied"
    assert (offence.rungs_spoken, offence.rungs_due, offence.rung_count) == (2, 2, 3)
    assert [event.type.split(".")[2] for event in offence.history] == [
        "opened",
        "warned",
        "made",
        "warned",
        "made",
        "complied",
    ]


def test_a_call_that_was_not_spoken_is_not_counted_as_spoken(staged):
    offence_id = staged.offence(1, "escalated", calls=3)  # the third comes too late
    offence = _book(list(LogFollower(staged.data.events_db).read().events)).offences[offence_id]
    assert (offence.rungs_due, offence.rungs_spoken, offence.rungs_unspoken) == (3, 2, 1)


def test_the_days_counts_count_each_offence_once(staged):
    staged.offence(1, "complied", calls=3)
    staged.offence(2, "escalated", calls=3)
    staged.offence(3, None, calls=1)
    counts = _book(list(LogFollower(staged.data.events_db).read().events)).counts
    day = date(2026, 3, 2)
    assert counts == {(day, "warned"): 3, (day, "complied"): 1, (day, "escalated"): 1}


@given(st.randoms(use_true_random=False))
def test_whatever_order_events_come_in_a_closed_offence_stays_closed(chance: random.Random):
    events = [each for each in one_of_each() if "lapsed" not in each.type]
    other_ends = ("escalated", "exempted", "unknown", "dismissed", "merged")
    events = [each for each in events if not any(end in each.type for end in other_ends)]
    chance.shuffle(events)
    moving = [each for each in events if each.type.startswith("forewarn.offence")]
    offence = next(iter(_book(moving).offences.values()))
    assert isinstance(offence, OffenceView)
    assert offence.state == "complied"
    assert [each.time for each in offence.history] == sorted(each.time for each in moving)


def test_only_closed_offences_are_forgotten_when_there_are_too_many(staged):
    still_open = staged.offence(1, None)
    closed = [staged.offence(number, "complied") for number in range(2, 7)]
    events = list(LogFollower(staged.data.events_db).read().events)
    book = _book(events, max_closed=2)
    assert set(book.offences) == {still_open, *closed[-2:]}


def test_a_log_that_comes_late_or_is_replaced_is_read_from_its_start(tmp_path: Path):
    path = tmp_path / "events.sqlite"
    follower = LogFollower(path)
    assert follower.read().events == ()
    with EventLog.open(path) as log:
        log.append([warned_event(1)])
    assert [each.id for each in follower.read().events] == [warned_event(1).id]
    assert follower.read().events == []
    for part in tmp_path.glob("events.sqlite*"):
        part.unlink()
    with EventLog.open(path) as log:
        log.append([warned_event(2)])
    news = follower.read()
    assert news.is_other_log
    assert [each.id for each in news.events] == [warned_event(2).id]
    follower.close()


def test_reading_does_not_make_a_log_where_there_is_none(tmp_path: Path):
    LogFollower(tmp_path / "events.sqlite").read()
    assert list(tmp_path.iterdir()) == []
