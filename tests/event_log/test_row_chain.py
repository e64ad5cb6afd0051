"""A row of the log that somebody invents, changes or removes is found; one that was erased is told from it."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_log.chain_check import LogChainReport, SignedHead, check_rows, stretches_of
from event_log.log import EventLog
from event_log.row_chain import LogHead, digest_of, first_link, link_after
from event_log.stories import forget
from tests.support.example_events import warned_event

COPY = "INSERT INTO events SELECT 99, 'evt-invented', type, source, subject, time, data, recorded_at FROM events LIMIT 1"


def filled(event_log: EventLog, rows: int = 6) -> EventLog:
    for number in range(rows):
        event_log.append([warned_event(number)])
    return event_log


def tamper(log: EventLog, *statements: str) -> None:
    """Write into the file as somebody with an editor does; a folder's owner needs no more."""
    with closing(sqlite3.connect(log.path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def check(
    log: EventLog, signed: Sequence[LogHead] = (), erased: Sequence[tuple[int, int]] = ()
) -> LogChainReport:
    heads = [SignedHead(head, f"custody entry {n}") for n, head in enumerate(signed, start=1)]
    return check_rows(log, heads, erased)


def head_of(log: EventLog) -> LogHead:
    head = log.head()
    assert head is not None
    return head


def chain_anew(log: EventLog) -> None:
    """Make the chain fit the rows, as whoever knows how it is made can do."""
    with closing(sqlite3.connect(log.path)) as connection, connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute("SELECT * FROM events ORDER BY seq").fetchall()
        connection.execute("DELETE FROM chain")
        link = first_link(log.log_id)
        for row in rows:
            digest = digest_of(b"x" * 16, dict(row))
            link = link_after(link, row["seq"], digest)
            values = (row["seq"], b"x" * 16, digest, link)
            connection.execute("INSERT INTO chain VALUES (?, ?, ?, ?)", values)


def test_a_log_that_nobody_touched_holds_and_grows(event_log: EventLog) -> None:
    event_log.append([warned_event(number) for number in range(3)])
    first = head_of(event_log)
    event_log.append([warned_event(1), warned_event(7)])
    report = check(event_log, [first, head_of(event_log)])
    assert (report.rows, report.from_row, report.before, report.problems) == (4, 1, 0, [])
    assert (first.row, head_of(event_log).row) == (3, 4)


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        ([COPY], "row 99 (forewarn.offence.warned.v1 of "),
        (["UPDATE events SET data = replace(data, 'gate', 'date') WHERE seq = 3"], "row 3 "),
        (["UPDATE events SET time = '2020' WHERE seq = 3"], "row 3 "),
        (["UPDATE events SET recorded_at = '2020' WHERE seq = 3"], "row 3 "),
        (["DELETE FROM events WHERE seq = 3"], "row 3: was removed"),
        (
            ["DELETE FROM events WHERE seq = 3", "DELETE FROM chain WHERE seq = 3"],
            "row 4: does not",
        ),
        (
            ["DELETE FROM events WHERE seq = 3", "UPDATE chain SET salt = NULL WHERE seq = 3"],
            "row 3: was removed, though the custody chain tells of no erasure",
        ),
        (["UPDATE chain SET salt = NULL WHERE seq = 3"], "row 3 "),
        (
            ["UPDATE events SET seq = 50 - seq", "UPDATE events SET seq = seq - 43"],
            "row 1 ",
        ),
        # nobody who reads on sees it, but whoever asks for its id, as preserve does for calls
        ([COPY, "UPDATE events SET seq = -1 WHERE seq = 99"], "row -1 "),
        ([COPY, "UPDATE events SET seq = 0 WHERE seq = 99"], "row 0 "),
        (
            ["CREATE TRIGGER t BEFORE INSERT ON events BEGIN SELECT RAISE(IGNORE); END"],
            "has a trigger 't'",
        ),
        (["CREATE VIEW v AS SELECT * FROM events"], "has a view 'v'"),
    ],
)
def test_a_row_that_is_invented_changed_removed_or_moved_is_named(
    event_log: EventLog, statements: list[str], found: str
) -> None:
    tamper(filled(event_log), *statements)
    report = check(event_log)
    assert report.problems and found in report.problems[0]


def test_a_value_of_another_kind_is_named_and_ends_no_check(event_log: EventLog) -> None:
    filled(event_log)
    columns = {
        "chain": ("salt", "digest", "link", "seq"),
        "events": ("id", "type", "time", "data", "recorded_at"),
    }
    with closing(sqlite3.connect(event_log.path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for table, names in columns.items():
            # a table without constraints, as anybody can make one
            connection.execute(f"CREATE TABLE t AS SELECT * FROM {table}")
            connection.execute(f"DROP TABLE {table}")
            connection.execute(f"ALTER TABLE t RENAME TO {table}")
            for name, odd in itertools.product(names, [7, 1.5, "x", b"\0\xff", None, ""]):
                row, sound = connection.execute(
                    f"SELECT rowid, {name} FROM {table} WHERE rowid = 3"
                ).fetchone()
                change = f"UPDATE {table} SET {name} = ? WHERE rowid = ?"
                connection.execute(change, (odd, row))
                problems = check(event_log).problems
                assert any(" row " in each for each in problems), (table, name, odd)
                connection.execute(change, (sound, row))
                assert check(event_log).problems == []


def test_an_erased_row_is_told_from_a_removed_one_and_leaves_nothing(event_log: EventLog) -> None:
    filled(event_log)
    before = head_of(event_log)
    assert forget(event_log, [2, 3, 5]) == 3
    filled(event_log, 8)
    report = check(event_log, [before], [(2, 3), (5, 5)])
    assert (report.rows, report.erased, report.problems) == (8, 3, [])
    assert len(check(event_log).problems) == 3, "nobody told of it"
    with closing(sqlite3.connect(event_log.path)) as connection:
        left = connection.execute("SELECT seq FROM chain WHERE salt IS NULL").fetchall()
    assert [row[0] for row in left] == [2, 3, 5]
    tamper(event_log, "UPDATE events SET subject = 'somebody' WHERE seq = 4")
    tamper(event_log, "DELETE FROM events WHERE seq = 6")
    changed, removed = check(event_log, [before], [(2, 3), (5, 5)]).problems
    assert "row 4 " in changed and "was changed" in changed and "row 6: was removed" in removed


@pytest.mark.parametrize(
    "rewrite",
    [
        ["UPDATE events SET subject = 'somebody' WHERE seq = 2"],
        ["DELETE FROM events WHERE seq = 2"],
        [COPY, "DELETE FROM events WHERE seq = 1", "UPDATE events SET seq = 1 WHERE seq = 99"],
        ["DELETE FROM events WHERE seq > 3"],
        ["DELETE FROM events"],
    ],
)
def test_a_log_that_was_written_anew_as_a_whole_is_found_by_a_head_that_was_signed(
    event_log: EventLog, rewrite: list[str]
) -> None:
    signed = head_of(filled(event_log))
    tamper(event_log, *rewrite)
    chain_anew(event_log)
    assert check(event_log).problems == [], "by itself it holds"
    (problem,) = check(event_log, [signed]).problems
    assert "custody entry 1 signed" in problem


def test_a_head_that_is_signed_later_does_not_stand_for_the_one_before(event_log: EventLog) -> None:
    """As where preserve, started anew, seals while the log has as many rows as at the sealing before."""
    before = head_of(filled(event_log))
    tamper(event_log, "UPDATE events SET subject = 'somebody' WHERE seq = 2")
    chain_anew(event_log)
    (problem,) = check(event_log, [before, head_of(event_log)]).problems
    assert "row 6: is not what custody entry 1 signed" in problem


def test_rows_behind_the_last_head_that_was_signed_are_counted(event_log: EventLog) -> None:
    """Whoever knows how the chain is made can write them as forewarn does: nobody vouches for them."""
    signed = head_of(filled(event_log, 4))
    filled(event_log, 7)
    report = check(event_log, [signed])
    assert (report.problems, report.rows) == ([], 7)
    assert (report.since, report.signed_in) == (3, "custody entry 1")
    assert report.head == head_of(event_log) and check(event_log, [report.head]).since == 0
    assert (check(event_log).since, check(event_log).signed_in) == (7, "")


def test_another_log_does_not_pass_for_the_one_that_was_signed(
    event_log: EventLog, tmp_path: Path
) -> None:
    signed = head_of(filled(event_log))
    with EventLog.open(tmp_path / "other.sqlite") as other:
        (problem,) = check(filled(other), [signed]).problems
        assert "another log" in problem


def test_a_log_of_an_older_version_is_chained_from_its_next_row_on(event_log: EventLog) -> None:
    filled(event_log, 3)
    tamper(event_log, "DROP TABLE chain")
    with EventLog.open(event_log.path) as old:
        assert old.head() is None
        assert (check(old).from_row, check(old).before, check(old).problems) == (0, 3, [])
        assert forget(old, [1]) == 1
        old.append([warned_event(10), warned_event(11)])
        report = check(old, [head_of(old)])
        assert (report.from_row, report.before, report.rows, report.problems) == (4, 2, 2, [])


def test_a_number_is_not_given_twice_where_the_last_rows_were_erased(event_log: EventLog) -> None:
    filled(event_log, 4)
    forget(event_log, [3, 4])
    event_log.append([warned_event(20)])
    assert head_of(event_log).row == 5 and check(event_log, [], [(3, 4)]).problems == []


def test_what_an_append_writes_is_chained_or_not_there(event_log: EventLog) -> None:
    filled(event_log, 2)
    tamper(
        event_log, "CREATE TRIGGER full BEFORE INSERT ON chain BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    with pytest.raises(Exception, match="no"):
        event_log.append([warned_event(9)])
    tamper(event_log, "DROP TRIGGER full")
    event_log.append([warned_event(10)])
    report = check(event_log)
    assert (report.rows, report.problems) == (3, [])


@given(st.sets(st.integers(1, 60)))
def test_stretches_hold_the_numbers_and_no_others(numbers: set[int]) -> None:
    stretches = stretches_of([*numbers])
    inside = [n for first, last in stretches for n in range(first, last + 1)]
    assert inside == sorted(numbers)
    assert all(one[1] + 1 < other[0] for one, other in pairwise(stretches))


def read_in_all_ways(path: Path) -> list[int]:
    """Return the numbers of all rows that reading on, by id and by subject gives."""
    with EventLog.open(path) as log:
        page = log.read()
        for each in page:
            assert log.find(each.event.id) == each
            assert each in log.about(each.event.subject)
        invented = log.find("evt-invented")
        return [each.seq for each in page] + ([invented.seq] if invented else [])


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        (COPY, [1, 2, 3]),
        (COPY.replace("99", "-1"), [1, 2, 3]),
        ("UPDATE events SET data = replace(data, 'gate', 'date') WHERE seq = 2", [1, 3]),
        ("UPDATE chain SET salt = NULL WHERE seq = 2", [1, 3]),
    ],
)
def test_what_forewarn_did_not_write_so_is_passed_over(
    event_log: EventLog, statement: str, left: list[int]
) -> None:
    """Sealed and then deleted, it would have left no trace in the log."""
    filled(event_log, 3)
    assert read_in_all_ways(event_log.path) == [1, 2, 3]
    tamper(event_log, statement)
    assert read_in_all_ways(event_log.path) == left
    filled(event_log, 4)
    assert read_in_all_ways(event_log.path)[-1] != 2, "what is written later is read"


def test_rows_of_an_older_version_are_read(event_log: EventLog) -> None:
    filled(event_log, 3)
    tamper(event_log, "DROP TABLE chain")
    assert read_in_all_ways(event_log.path) == [1, 2, 3]
    with EventLog.open(event_log.path) as log:
        filled(log, 5)
    assert read_in_all_ways(event_log.path) == [1, 2, 3, 4, 5]
