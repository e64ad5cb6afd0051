from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.events.catalog import OffenceOpened
from event_log.log import EventLog
from event_log.stories import AT_ONCE, forget, headings, seqs_about
from tests.support.example_events import one_of_each


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    made = EventLog.open(tmp_path / "events.sqlite")
    made.append(one_of_each())
    return made


def bytes_on_disk(log: EventLog) -> bytes:
    files = log.path.parent.glob(f"{log.path.name}*")
    return b"".join(path.read_bytes() for path in files)


def test_headings_say_what_events_are_about(log: EventLog) -> None:
    events = log.read()
    assert [(each.seq, each.type, each.subject) for each in headings(log)] == [
        (each.seq, each.event.type, each.event.subject) for each in events
    ]
    opened = headings(log, [OffenceOpened.event_type])
    assert [each.type for each in opened] == [OffenceOpened.event_type]
    assert headings(log, [OffenceOpened.event_type], after_seq=opened[0].seq) == []


def test_age_is_counted_from_when_the_log_took_an_event(log: EventLog) -> None:
    now = datetime.now(UTC)  # the examples happened years before, or after
    assert headings(log, recorded_before=now - timedelta(minutes=5)) == []
    assert len(headings(log, recorded_before=now + timedelta(minutes=5))) == len(one_of_each())


def test_what_is_forgotten_is_in_no_byte_of_the_file_and_its_number_is_not_given_again(
    log: EventLog,
) -> None:
    last = log.last_seq()
    wanted = log.read()[0].event
    about = seqs_about(log, [wanted.subject])
    assert wanted.id.encode() in bytes_on_disk(log)
    assert forget(log, about) == len(about) > 0
    assert wanted.id.encode() not in bytes_on_disk(log)
    assert log.find(wanted.id) is None
    assert log.last_seq() <= last
    log.append([wanted])
    assert log.last_seq() == last + 1


def test_a_story_is_every_event_that_names_it(log: EventLog) -> None:
    offence_id = next(
        each.event.subject
        for each in log.read()
        if each.event.data.event_type == OffenceOpened.event_type
    )
    found = set(seqs_about(log, [offence_id]))
    naming = {each.seq for each in log.read() if offence_id in each.event.data.model_dump_json()}
    assert naming <= found
    assert seqs_about(log, []) == seqs_about(log, ["ofc-unknown"]) == []


def test_many_at_once_go_in_steps(log: EventLog) -> None:
    every = [each.seq for each in headings(log)]
    assert forget(log, [*every, *range(10_000, 10_000 + 2 * AT_ONCE)]) == len(every)
    assert log.read() == []
