"""The event log keeps its promises to whoever writes and reads it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_consumers import Consumers

from domain.errors import PutAside, Stop, TryAgain
from domain.events.catalog import CameraChanged, OffenceWarned
from event_log.log import EventLog, LogReplaced
from event_log.rows import from_row, to_row
from tests.support.example_events import one_of_each, warned_event


def test_events_come_back_as_they_were_written_in_order(event_log: EventLog) -> None:
    events = one_of_each()
    assert event_log.append(events) == len(events)
    logged = event_log.read()
    assert [each.event for each in logged] == events
    assert [each.seq for each in logged] == list(range(1, len(events) + 1))
    assert event_log.last_seq() == len(events)


def test_the_same_id_is_written_once(event_log: EventLog) -> None:
    event = warned_event()
    assert event_log.append([event, event]) == 1
    assert event_log.append([event, warned_event(2)]) == 1
    assert [each.event for each in event_log.read()] == [event, warned_event(2)]


def test_the_same_id_with_other_content_keeps_the_first_and_warns(
    event_log: EventLog, capsys: pytest.CaptureFixture[str]
) -> None:
    event = warned_event()
    event_log.append([event])
    assert event_log.append([replace(event, subject="another")]) == 0
    assert [each.event for each in event_log.read()] == [event]
    printed = capsys.readouterr()
    assert "other content" in printed.out + printed.err


def test_a_reader_gets_the_types_it_asked_for_after_its_number(event_log: EventLog) -> None:
    event_log.append(one_of_each())
    event_log.append([warned_event(2), warned_event(3)])
    warned = event_log.read(types=[OffenceWarned.event_type])
    assert [each.event.type for each in warned] == [OffenceWarned.event_type] * 3
    rest = event_log.read(after_seq=warned[0].seq, types=[OffenceWarned.event_type], limit=1)
    assert rest == warned[1:2]
    assert event_log.read(types=[]) == []


def test_a_page_without_wanted_events_still_says_how_far_it_looked(event_log: EventLog) -> None:
    event_log.append([warned_event(number) for number in range(20)])
    page = event_log.read_page(types=[CameraChanged.event_type])
    assert page.events == [] and page.is_last and page.scanned_to == 20


def test_counts_are_by_type(event_log: EventLog) -> None:
    assert event_log.count_by_type() == {} and event_log.last_seq() == 0
    event_log.append([*one_of_each(), warned_event(2)])
    counts = event_log.count_by_type()
    assert counts.pop(OffenceWarned.event_type) == 2
    assert set(counts.values()) == {1}


def test_an_event_is_found_by_its_id(event_log: EventLog) -> None:
    event = warned_event()
    event_log.append([event])
    found = event_log.find(event.id)
    assert found is not None and found.event == event
    assert event_log.find("evt-0") is None


def test_more_ids_than_one_statement_takes_are_written(event_log: EventLog) -> None:
    events = [warned_event(number) for number in range(1_203)]
    assert event_log.append(events[:700]) == 700
    assert event_log.append(events) == 503
    assert event_log.append(events) == 0


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"id": ""}, "id"),
        ({"source": "line\nbreak"}, "source"),
        ({"subject": "\ud800"}, "subject"),
        ({"time": datetime(2026, 3, 2)}, "zone"),
    ],
)
def test_an_event_that_no_reader_could_use_is_refused_and_nothing_is_written(
    event_log: EventLog, change: dict[str, object], word: str
) -> None:
    with pytest.raises(PutAside, match=word):
        event_log.append([warned_event(), replace(warned_event(2), **change)])
    assert event_log.last_seq() == 0


def test_a_number_that_json_has_no_word_for_is_refused(event_log: EventLog) -> None:
    event = warned_event()
    sighting = event.data.sighting.model_copy(update={"media_time_s": float("nan")})
    odd = replace(event, data=event.data.model_copy(update={"sighting": sighting}))
    with pytest.raises(PutAside, match="media_time_s"):
        event_log.append([odd])


@given(
    subject=st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1),
    reason=st.text(st.characters(codec="utf-8")),
    frames=st.integers(0, 2**53),
    time=st.datetimes(
        datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone(timedelta(hours=8)))
    ),
)
def test_any_event_survives_becoming_a_row(
    subject: str, reason: str, frames: int, time: datetime
) -> None:
    data = CameraChanged(
        site_id="campus",
        camera_id="gate",
        status="failed",
        reason=reason,
        frames_read=frames,
        frames_put_aside=0,
    )
    event = replace(warned_event(), subject=subject, time=time, data=data)
    row = {**to_row(event), "seq": 1, "recorded_at": "2026-03-02T08:00:00.000000+00:00"}
    assert from_row(row).event == event


def test_rows_of_an_unknown_type_are_passed_over(event_log: EventLog, log_path: Path) -> None:
    events = [warned_event(number) for number in range(4)]
    event_log.append(events)
    with sqlite3.connect(log_path) as connection:
        connection.execute("update events set type = 'forewarn.newer.v9' where seq in (1, 2)")
        connection.execute("update events set data = '{}' where seq = 3")
    assert [each.event for each in event_log.read(limit=1)] == events[3:]


def test_a_damaged_file_stops_and_names_the_file(log_path: Path) -> None:
    log_path.parent.mkdir()
    log_path.write_bytes(b"this is no database, " * 400)
    with pytest.raises(Stop, match=r"events\.sqlite.*damaged"):
        EventLog.open(log_path)


def test_another_programs_table_of_that_name_stops(log_path: Path) -> None:
    log_path.parent.mkdir()
    with sqlite3.connect(log_path) as connection:
        connection.execute("create table events (colour text)")
    with pytest.raises(Stop, match="another version or another program"):
        EventLog.open(log_path).append([warned_event()])


def test_a_locked_log_says_try_again_and_works_afterwards(log_path: Path) -> None:
    log = EventLog.open(log_path, busy_timeout_s=0.1)
    other = sqlite3.connect(log_path, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(TryAgain, match="locked"):
        log.append([warned_event()])
    assert log.read() == []  # reading does not wait for a writer
    other.execute("rollback")
    assert log.append([warned_event()]) == 1


def test_a_full_disk_says_try_again_and_works_afterwards(log_path: Path) -> None:
    log = EventLog.open(log_path)
    with log.reading("set a limit") as connection:
        pages = connection.exec_driver_sql("pragma page_count").scalar()
        connection.exec_driver_sql(f"pragma max_page_count={pages}")
    with pytest.raises(TryAgain, match="disk is full"):
        log.append([warned_event(number) for number in range(200)])
    assert log.read() == []
    with log.reading("lift the limit") as connection:
        connection.exec_driver_sql("pragma max_page_count=1000000")
    assert log.append([warned_event(number) for number in range(200)]) == 200


def test_a_folder_that_cannot_be_made_says_try_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TryAgain, match="file"):
        EventLog.open(tmp_path / "file" / "events.sqlite")


def test_a_log_keeps_its_id_and_a_new_one_gets_another(log_path: Path, tmp_path: Path) -> None:
    with EventLog.open(log_path) as first, EventLog.open(log_path) as again:
        assert first.log_id == again.log_id
    with EventLog.open(tmp_path / "other.sqlite") as other:
        assert other.log_id != first.log_id


def test_a_log_whose_file_was_removed_acknowledges_nothing(
    event_log: EventLog, log_path: Path
) -> None:
    event_log.append([warned_event(1)])
    for path in log_path.parent.iterdir():
        path.unlink()
    for _ in range(2):  # the file is gone; then another log lies in its place
        with pytest.raises(LogReplaced, match="removed or replaced"):
            event_log.append([warned_event(2)])
        with pytest.raises(LogReplaced):
            event_log.read()
        with EventLog.open(log_path) as new:
            new.append([warned_event(3)])
    with EventLog.open(log_path) as new:
        assert [each.event for each in new.read()] == [warned_event(3)]


def test_a_consumers_place_is_kept_and_never_moves_back(event_log: EventLog) -> None:
    consumers = Consumers(event_log)
    assert consumers.offset("mailer") == 0
    consumers.commit("mailer", 7)
    consumers.commit("mailer", 5)
    consumers.commit("preserve", 2)
    with EventLog.open(event_log.path) as again:
        assert Consumers(again).all() == {"mailer": 7, "preserve": 2}
