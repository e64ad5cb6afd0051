"""The tables that are folded from the log say what it says, whoever is killed while they are folded."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from domain.events.catalog import (
    AlarmOpened,
    CameraChanged,
    Event,
    EvidenceSealed,
    OffenceEscalated,
)
from event_log.consumers import place_of
from event_log.log import EventLog
from event_log.projections import projection as module
from event_log.projections.projection import CONSUMER, Projection
from event_log.projections.rows import TableRows
from event_log.projections.schema import VERSION_TABLE, bring_up_to_date
from event_log.projections.tables import ALARMS, OFFENCES, PROJECTIONS, TROUBLES
from event_log.stories import forget, seqs_about
from tests.support.example_events import one_of_each

TABLES = (OFFENCES, TROUBLES, ALARMS)
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    with EventLog.open(tmp_path / "events.sqlite") as opened:
        yield opened


def rows_of(log: EventLog) -> Rows:
    with log.reading("look") as connection:
        return {
            table.name: [dict(row) for row in connection.execute(table.select()).mappings()]
            for table in TABLES
        }


def place(log: EventLog) -> int | None:
    with log.reading("look") as connection:
        return place_of(connection, CONSUMER)


def test_an_offence_is_one_row_with_where_it_stands_and_what_is_kept(log: EventLog) -> None:
    events = one_of_each()
    erased = [event.type for event in events].index("forewarn.evidence.erased.v1")
    log.append(events[:erased])
    Projection(log).catch_up()
    (row,) = rows_of(log)["offences"]
    sealed = next(event.data for event in events if isinstance(event.data, EvidenceSealed))
    assert row["offence_id"] == sealed.offence_id and row["evidence_id"] == sealed.evidence_id
    assert (row["state"], row["is_open"], row["rungs_due"], row["rung_count"]) == (
        *("complied", False),
        *(2, 3),
    )
    # an officer was requested and sent, and there is no alarm yet
    assert row["is_dispatched"] and row["needs_alarm"] and row["severity"] == "ordinary"
    log.append(events[erased:])
    Projection(log).catch_up()
    (row,) = rows_of(log)["offences"]
    assert row["evidence_id"] is None and row["picture"] is None


def test_what_is_wrong_is_a_row_until_it_ends(log: EventLog) -> None:
    events = one_of_each()
    log.append(events)
    Projection(log).catch_up()
    troubles = {(row["kind"], row["name"]): row for row in rows_of(log)["troubles"]}
    assert set(troubles) == {
        ("cameras", "gate"),
        ("disk full", "evidence"),
        ("sealing", "sealing"),
    }
    opened = next(event for event in events if isinstance(event.data, AlarmOpened))
    assert troubles["cameras", "gate"]["alarm_id"] == opened.subject
    assert troubles["cameras", "gate"]["ended_at"] is None
    up = next(event for event in events if isinstance(event.data, CameraChanged))
    off = up.data.model_copy(update={"camera_id": "yard", "status": "failed"})
    on = off.model_copy(update={"status": "up"})
    for number, data in enumerate((off, off, on)):
        log.append([Event(f"evt-{number}", up.source, "yard", up.time, data)])
        Projection(log).catch_up()
        (yard,) = [row for row in rows_of(log)["troubles"] if row["name"] == "yard"]
        assert (yard["ended_at"] is None) is (number < 2)
        assert yard["event_id"] == "evt-0"


def test_folding_in_parts_makes_the_same_rows(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append(one_of_each())
    projection = Projection(log)
    projection.catch_up()
    at_once, seq = rows_of(log), place(log)
    assert seq == log.last_seq()
    for size in (1, 2, 7):
        with log.writing("begin anew") as connection:
            for table in TABLES:
                connection.execute(table.delete())
            connection.exec_driver_sql("DELETE FROM consumers")
        monkeypatch.setattr(module, "EVENTS_AT_ONCE", size)
        projection.catch_up()
        assert rows_of(log) == at_once and place(log) == seq


def test_rows_and_place_are_of_one_transaction(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is killed between two writes has written none of them."""
    events = one_of_each()
    log.append(events[:9])
    Projection(log).catch_up()
    before, seq = rows_of(log), place(log)
    log.append(events[9:])
    plain, calls = TableRows.write, iter(range(99))

    def killed(rows: TableRows) -> None:
        plain(rows)
        if next(calls) >= 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TableRows, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            Projection(log).catch_up()
    assert rows_of(log) == before and place(log) == seq
    Projection(log).catch_up()
    assert rows_of(log) != before and place(log) == log.last_seq()


def test_nothing_is_written_where_nothing_is_new(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append(one_of_each())
    Projection(log).catch_up()
    monkeypatch.setattr(EventLog, "writing", lambda *_: pytest.fail("took the write lock"))
    Projection(log).catch_up()


def test_a_program_that_finds_the_work_done_goes_on_from_there(log: EventLog) -> None:
    """Two programs fold in turns; each finds what the other has done."""
    events, by_one, by_other = one_of_each(), Projection(log), Projection(log)
    for event in events:
        log.append([event])
        random.Random(event.id).choice((by_one, by_other)).catch_up()
    with EventLog.open(log.path.with_name("other.sqlite")) as other:
        other.append(events)
        Projection(other).catch_up()
        assert [row["state"] for row in rows_of(other)["offences"]] == [
            row["state"] for row in rows_of(log)["offences"]
        ]
    assert len(rows_of(log)["alarms"]) == 1


def test_migrations_make_the_tables_that_the_code_names(log: EventLog) -> None:
    def ours(_thing: Any, name: str | None, kind: str, *_: Any) -> bool:
        return kind != "table" or name in PROJECTIONS.tables

    with log.writing("migrate") as connection:
        bring_up_to_date(connection)
        context = MigrationContext.configure(connection, opts={"include_object": ours})
        assert compare_metadata(context, PROJECTIONS) == []


def test_a_migration_that_is_killed_half_way_has_done_nothing(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append(one_of_each())

    def killed(connection: Connection) -> None:
        bring_up_to_date(connection)
        assert inspect(connection).has_table("offences")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "bring_up_to_date", killed)
        with pytest.raises(KeyboardInterrupt):
            Projection(log).catch_up()
    with log.reading("look") as connection:
        names = set(inspect(connection).get_table_names())
    assert not names & {*PROJECTIONS.tables, VERSION_TABLE}
    Projection(log).catch_up()
    assert len(rows_of(log)["offences"]) == 1


def test_what_the_log_forgot_is_in_no_byte_of_the_tables(log: EventLog) -> None:
    log.append(one_of_each())
    projection = Projection(log)
    projection.catch_up()
    (escalated,) = [e for e in one_of_each() if isinstance(e.data, OffenceEscalated)]
    names = [escalated.subject, rows_of(log)["alarms"][0]["alarm_id"]]
    forget(log, seqs_about(log, names))
    assert len(rows_of(log)["offences"]) == 1
    projection.forget_erased()
    assert rows_of(log)["offences"] == [] and rows_of(log)["alarms"] == []
    files = log.path.parent.glob(f"{log.path.name}*")
    kept = b"".join(path.read_bytes() for path in files)
    assert names[1].encode() not in kept and b"gate" in kept


def test_a_log_that_nobody_folds_gets_no_tables_when_something_is_forgotten(log: EventLog) -> None:
    log.append(one_of_each())
    Projection(log).forget_erased()
    with log.reading("look") as connection:
        assert not inspect(connection).has_table("offences")
