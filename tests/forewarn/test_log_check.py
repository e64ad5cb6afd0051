"""`evidence verify` looks at the event log, too, by what the custody chain signed of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from domain.data_dir import DataDir
from event_log.log import EventLog
from event_log.stories import forget
from evidence_store.custody.chain import CustodyChain
from evidence_store.custody.signing_key import open_chain
from evidence_store.keys.signing_keys import KeyFolder
from evidence_store.verify_data_folder import Verifier
from forewarn.evidence.log_check import check_event_log, head_facts, remarks_on, what_holds
from tests.support.example_events import warned_event


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """Make a data folder whose log has six rows, of which a custody entry signs the fifth."""
    made = DataDir(tmp_path / "var")
    KeyFolder(made.keys).create()
    log_more(made, 5)
    chain_of(made).append("verified", "", head_facts(made))
    log_more(made, 1)
    return made


def chain_of(data: DataDir) -> CustodyChain:
    return open_chain(data)


def log_more(data: DataDir, rows: int) -> None:
    with EventLog.open(data.events_db) as log:
        first = log.highest_seq()
        log.append([warned_event(first + number) for number in range(rows)])


def problems(data: DataDir) -> list[str]:
    return check_event_log(data, Verifier.open(data)).problems


def write(data: DataDir, *statements: str) -> None:
    with closing(sqlite3.connect(data.events_db)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def cut_off(data: DataDir) -> None:
    write(data, "DELETE FROM events WHERE seq > 3", "DELETE FROM chain WHERE seq > 3")


ATTACKS: dict[str, Callable[[DataDir], object]] = {
    "row 2 ": lambda data: write(data, "UPDATE events SET subject = 'x' WHERE seq = 2"),
    "row 3: was removed": lambda data: write(data, "DELETE FROM events WHERE seq = 3"),
    "ends at row 3, custody entry 1 signed row 5": cut_off,
    "is missing, custody entry 1 signed it": lambda data: data.events_db.unlink(),
}


@pytest.mark.parametrize("found", ATTACKS)
def test_what_somebody_does_to_the_log_is_named(data: DataDir, found: str) -> None:
    assert problems(data) == []
    ATTACKS[found](data)
    (problem,) = problems(data)
    assert found in problem


def test_a_log_that_another_one_took_the_place_of_is_named(data: DataDir) -> None:
    data.events_db.unlink()
    log_more(data, 9)
    (problem,) = problems(data)
    assert "custody entry 1 signed another log" in problem


def test_rows_whose_erasure_is_on_record_are_erased_and_not_removed(data: DataDir) -> None:
    chain_of(data).append("events forgotten", "", {"rows": [[2, 3]], "reason": "old"})
    with EventLog.open(data.events_db) as log:
        forget(log, [2, 3])
    report = check_event_log(data, Verifier.open(data))
    assert (report.rows, report.erased, report.problems) == (4, 2, [])


def test_rows_erased_while_the_log_is_checked_are_no_fault(data: DataDir) -> None:
    verifier = Verifier.open(data)
    chain_of(data).append("events forgotten", "", {"rows": [[2, 3]], "reason": "old"})
    with EventLog.open(data.events_db) as log:
        forget(log, [2, 3])
    assert check_event_log(data, verifier).problems == []


def test_after_a_restore_that_is_on_record_other_rows_may_have_the_lost_ones_numbers(
    data: DataDir,
) -> None:
    cut_off(data)
    chain_of(data).append("restored", "", {"backup": "b", **head_facts(data)})
    write(data, "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'events'")
    log_more(data, 4)
    assert problems(data) == []
    write(data, "UPDATE events SET subject = 'x' WHERE seq = 2")
    assert len(problems(data)) == 1


def test_it_is_said_how_many_rows_nobody_has_signed_yet(data: DataDir) -> None:
    report = check_event_log(data, Verifier.open(data))
    told = what_holds(report)
    assert "6 rows of the event log" in told
    assert "1 are behind the last that was signed (custody entry 1): whoever can write" in told
    chain_of(data).append("verified", "", head_facts(data))
    assert "behind" not in what_holds(check_event_log(data, Verifier.open(data)))
    data.custody.unlink()
    assert "6 are signed by nobody" in what_holds(check_event_log(data, Verifier.open(data)))


def test_a_log_of_an_older_version_says_from_which_row_on_it_is_checked(data: DataDir) -> None:
    data.custody.unlink()
    write(data, "DROP TABLE chain")
    log_more(data, 2)
    report = check_event_log(data, Verifier.open(data))
    (remark,) = remarks_on(report)
    assert report.problems == [] and "rows from 7 on are chained; of 6 before" in remark
