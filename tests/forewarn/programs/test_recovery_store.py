"""A recovery store that cannot be used is set aside and told of; one that can is left alone."""

from __future__ import annotations

import pickle
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.recovery import (
    InconsistentPartitionsError,
    MissingPartitionsError,
    NoPartitionsError,
)
from bytewax.testing import TestingSink
from old_recovery import unpack
from structlog.testing import capture_logs

from domain.data_dir import DataDir
from domain.errors import TryAgain
from domain.saved_state import Formats, Saved, StateFormat, StateUnusable
from flows import announce, preserve, watch
from forewarn.programs import recovery_store
from forewarn.programs.recovery_store import (
    PARTITION_FILE,
    REASON_FILE,
    check_store,
    ready_store,
    set_aside,
)
from forewarn.programs.run_flow import begin_pass, finish_pass, run_flow
from forewarn.terminal.saved_state_news import SavedStateNews
from tests.support.plain_state import saved_as

COUNT = StateFormat[int](int)
FORMATS: Formats = {"numbers": COUNT}
AFRESH = "counting begins at 1"


class _Numbers(StatefulSourcePartition[int, Saved]):
    def __init__(self, start: int) -> None:
        self._next, self._end = start, start + 3

    def next_batch(self) -> list[int]:
        if self._next == self._end:
            raise StopIteration
        self._next += 1
        return [self._next]

    def snapshot(self) -> Saved:
        return COUNT.save(self._next)


class _NumbersSource(FixedPartitionedSource[int, Saved]):
    def list_parts(self) -> list[str]:
        return ["all"]

    def build_part(self, step_id: str, for_part: str, resume_state: Saved | None) -> _Numbers:
        return _Numbers(COUNT.restore(resume_state) if resume_state else 0)


def count_on(store: Path, fails: bool = False) -> list[int]:
    """Run a flow that goes on counting, three numbers a run."""
    counted: list[int] = []
    flow = Dataflow("count")
    numbers = op.input("numbers", flow, _NumbersSource())
    if fails:
        numbers = op.map("fail", numbers, lambda number: number // 0)
    op.output("out", numbers, TestingSink(counted))
    run_flow(flow, store, FORMATS, AFRESH)
    return counted


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Run a flow twice; return its store."""
    folder = tmp_path / "recovery" / "count"
    assert (count_on(folder), count_on(folder)) == ([1, 2, 3], [4, 5, 6])
    return folder


def test_a_state_that_only_older_versions_save_is_no_fault_and_one_key_may_have_a_format_of_its_own(
    store: Path,
) -> None:
    def count_more(words: Formats) -> list[int]:
        counted: list[int] = []
        flow = Dataflow("count")
        op.output("out", op.input("more", flow, _NumbersSource()), TestingSink(counted))
        run_flow(flow, store, words, AFRESH)
        return counted

    formats: Formats = {"numbers": COUNT, "more": StateFormat[str](str), "more/all": COUNT}
    assert (count_more(formats), count_more(formats)) == ([1, 2, 3], [4, 5, 6])
    assert aside_of(store) == []
    with pytest.raises(StateUnusable, match="more, all"):
        check_store(store, "count", {"numbers": COUNT, "more": StateFormat[str](str)})


def aside_of(store: Path) -> list[Path]:
    return sorted(store.parent.glob(f"{store.name}.set-aside-*"))


def sql(statement: str, *values: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(statement, values)

    return change


def overwritten(start: float, size: int) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        data = bytearray(path.read_bytes())
        at = int(start * len(data))
        data[at : at + size] = b"\xa5" * size
        path.write_bytes(data)

    return change


def cut(share: float) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


def saved(value: object) -> Callable[[Path], None]:
    return sql("UPDATE snaps SET ser_change = ?", pickle.dumps(value))


DAMAGE: dict[str, Callable[[Path], None]] = {
    "the file is missing": Path.unlink,
    "the file is empty": cut(0),
    "the file is cut in the middle": cut(0.5),
    "the file is cut short": cut(0.9),
    "not a database": overwritten(0, 1_000_000),
    "its head is overwritten": overwritten(0, 64),
    "pages are overwritten": overwritten(0.4, 12_000),
    "a table is gone": sql("DROP TABLE snaps"),
    "another number of parts": sql("UPDATE parts SET part_count = 2"),
    "it is from the future": sql("UPDATE commits SET commit_epoch = commit_epoch + 100"),
    "a pickle is cut": sql("UPDATE snaps SET ser_change = substr(ser_change, 1, 9)"),
    "a pickle is no pickle": sql("UPDATE snaps SET ser_change = x'00ff17'"),
    "a class was saved": saved(datetime.now(UTC)),
    "a plain value without version": saved(7),
    "a newer version": saved(saved_as(7, version=2)),
    "an older version": saved(saved_as(7, version=0)),
    "a field is missing": saved({"version": 1}),
    "a strange field": saved({**saved_as(7), "note": ""}),
    "a strange value": saved(saved_as("seven")),
    "one digit is another": saved({**saved_as(7), "state": "[8]"}),
    "a pickle asks for gigabytes": sql("UPDATE snaps SET ser_change = x'80044e72ffffff7f2e'"),
    "a pickle ends in the middle of a dict": sql(
        "UPDATE snaps SET ser_change = x'80047d288c0161752e'"
    ),
    "a key is no text": sql("UPDATE snaps SET state_key = CAST(x'ff' AS TEXT)"),
    "commits are gone": sql("DROP TABLE commits"),
    "runs are gone": sql("DROP TABLE exs"),
    "fronts are gone": sql("DROP TABLE fronts"),
    "parts are gone": sql("DROP TABLE parts"),
    "a step that is not known": sql("UPDATE snaps SET step_id = 'count.other'"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_cannot_be_used_is_set_aside_told_and_the_flow_begins_anew(
    store: Path, damage: str
) -> None:
    DAMAGE[damage](store / PARTITION_FILE)
    if damage != "it is from the future":  # which Bytewax says, and the flow runs again
        with pytest.raises(StateUnusable):
            check_store(store, "count", FORMATS)
    with capture_logs() as logs:
        assert count_on(store) == [1, 2, 3]
    (aside,) = aside_of(store)
    words = (aside / REASON_FILE).read_text("utf-8")
    assert words.startswith("count: what it had saved cannot be used (")
    assert words.endswith(f"); it is set aside as {aside.name}, and counting begins at 1")
    assert not re.search(
        "sqlite|pickle|Error|Bytewax|malformed|part-0", words.replace(PARTITION_FILE, "")
    )
    assert [line["event"] for line in logs].count("saved_state_set_aside") == 1
    assert count_on(store) == [4, 5, 6]  # no loop: the new store is good
    assert aside_of(store) == [aside]


def test_a_good_store_is_left_alone_and_so_is_one_that_is_locked(
    store: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(store / PARTITION_FILE)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE exs SET worker_count = worker_count")
        with pytest.raises(TryAgain, match="cannot be read"):
            ready_store(store, "count", FORMATS, AFRESH)
        other.rollback()
    assert count_on(store) == [7, 8, 9]
    assert aside_of(store) == []


def test_nothing_that_a_store_holds_is_run(store: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    saved(Trap())(store / PARTITION_FILE)
    with pytest.raises(StateUnusable, match="an older version saved it"):
        check_store(store, "count", FORMATS)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("which", [watch, announce, preserve])
def test_stores_of_the_version_that_pickled_classes_are_set_aside(
    tmp_path: Path, which: Any
) -> None:
    data = DataDir(tmp_path / "data")
    unpack(data.root)
    store = data.recovery / which.FLOW_ID
    reports: list[str] = []
    news = SavedStateNews(data, reports.append)
    before = (store / PARTITION_FILE).read_bytes()
    ready_store(store, which.FLOW_ID, which.SAVED_STEPS, "it goes on from the event log")
    news()
    news()
    (words,) = reports
    assert words.startswith(f"{which.FLOW_ID}: what it had saved cannot be used")
    (aside,) = aside_of(store)
    assert (aside / PARTITION_FILE).read_bytes() == before
    check_store(store, which.FLOW_ID, which.SAVED_STEPS)
    SavedStateNews(data, reports.append)()
    assert len(reports) == 1  # not told again by the next run


def test_a_key_that_was_let_go_is_no_damage(store: Path) -> None:
    gone = "INSERT INTO snaps (step_id, state_key, snap_epoch) VALUES ('count.numbers', 'gone', 1)"
    sql(gone)(store / PARTITION_FILE)
    check_store(store, "count", FORMATS)


@pytest.mark.parametrize(
    ("code", "is_damage"),
    [
        (sqlite3.SQLITE_CORRUPT, True),
        (sqlite3.SQLITE_CORRUPT_VTAB, True),
        (sqlite3.SQLITE_NOTADB, True),
        (sqlite3.SQLITE_BUSY, False),
        (sqlite3.SQLITE_BUSY_RECOVERY, False),
        (sqlite3.SQLITE_IOERR, False),
        (sqlite3.SQLITE_IOERR_READ, False),
        (sqlite3.SQLITE_FULL, False),
        (sqlite3.SQLITE_PROTOCOL, False),
        (sqlite3.SQLITE_CANTOPEN_ISDIR, False),
        (sqlite3.SQLITE_NOMEM, False),
    ],
)
def test_only_what_is_known_to_be_damaged_is_set_aside(
    store: Path, monkeypatch: pytest.MonkeyPatch, code: int, is_damage: bool
) -> None:
    def fail(_: object) -> None:
        error = sqlite3.OperationalError("so it is")
        error.sqlite_errorcode = code
        raise error

    monkeypatch.setattr(recovery_store, "_read", fail)
    with pytest.raises(StateUnusable if is_damage else TryAgain):
        check_store(store, "count", FORMATS)


def test_a_store_that_cannot_be_looked_at_is_left_alone(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched, pytest.raises(TryAgain, match="Permission denied"):
        patched.setattr(Path, "is_file", refuse)
        ready_store(store, "count", FORMATS, AFRESH)
    assert count_on(store) == [7, 8, 9]


def a_file(store: Path) -> None:
    store.parent.mkdir(exist_ok=True)
    store.write_bytes(b"somebody's")


def a_link_to_nowhere(store: Path) -> None:
    store.parent.mkdir(exist_ok=True)
    store.symlink_to(store.parent / "nowhere")


def a_folder_for_the_reason(store: Path) -> None:
    (store / REASON_FILE).mkdir(parents=True)


@pytest.mark.parametrize("wreck", [a_file, a_link_to_nowhere, a_folder_for_the_reason])
def test_what_is_no_store_is_set_aside_and_reported(
    tmp_path: Path, wreck: Callable[[Path], None]
) -> None:
    data = DataDir(tmp_path)
    store, reports = data.recovery / "count", list[str]()
    data.recovery.mkdir()
    news = SavedStateNews(data, reports.append)
    wreck(store)
    assert (count_on(store), count_on(store)) == ([1, 2, 3], [4, 5, 6])
    (aside,) = aside_of(store)
    for look in (news, news, SavedStateNews(data, reports.append)):
        look()
    (report,) = reports
    assert "set aside" in report and aside.name in report


def test_a_store_that_cannot_be_set_aside_is_tried_again(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path, target: Path) -> Path:
        raise OSError(30, "Read-only file system")

    (store / PARTITION_FILE).write_bytes(b"")
    with monkeypatch.context() as patched, pytest.raises(TryAgain, match="Read-only file system"):
        patched.setattr(Path, "rename", refuse)
        ready_store(store, "count", FORMATS, AFRESH)
    assert aside_of(store) == [] and store.is_dir()
    assert count_on(store) == [1, 2, 3]


def test_a_full_disk_does_not_keep_a_store_from_being_set_aside_and_reported(
    store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    reports: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", refuse)
        aside = set_aside(store, "count", "it is so", AFRESH)
    assert (aside / PARTITION_FILE).is_file() and not store.exists()
    news = SavedStateNews(DataDir(tmp_path), reports.append)
    news()
    news()
    assert reports == [
        f"{aside}: saved state was set aside; why cannot be read: No such file or directory"
    ]


def test_words_that_are_no_text_are_written_all_the_same(store: Path) -> None:
    aside = set_aside(store, "count", "\ud800", AFRESH, ValueError("\ud800"))
    assert "(\\ud800)" in (aside / REASON_FILE).read_text("utf-8")


class PanicException(BaseException):
    """Named as the one of Bytewax, which cannot be imported."""


@pytest.mark.parametrize(
    "error", [PanicException("called `Result::unwrap()`"), OSError(28, "disk full")]
)
def test_where_no_store_can_be_made_it_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def panic(*_: object) -> None:
        raise error

    store = tmp_path / "recovery" / "count"
    with monkeypatch.context() as patched, pytest.raises(TryAgain, match=r"disk[^`]*$"):
        patched.setattr(recovery_store, "init_db_dir", panic)
        ready_store(store, "count", FORMATS, AFRESH)
    assert not store.exists()
    (left,) = store.parent.iterdir()
    assert count_on(store) == [1, 2, 3]
    assert not left.exists(), "what a killed maker left is swept"


def test_a_stop_while_a_store_is_made_is_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(recovery_store, "init_db_dir", stop)
    with pytest.raises(KeyboardInterrupt):
        ready_store(tmp_path / "count", "count", FORMATS, AFRESH)


def test_a_store_with_which_the_flow_dies_again_and_again_is_set_aside(store: Path) -> None:
    for _ in range(recovery_store.FAILED_STARTS):
        with pytest.raises(RuntimeError, match="fail"):
            count_on(store, fails=True)
        assert aside_of(store) == []
    for _ in range(recovery_store.FAILED_STARTS + 1):  # it is not the store's fault
        with pytest.raises(RuntimeError, match="fail"):
            count_on(store, fails=True)
    (aside,) = aside_of(store)
    assert "the program ended 3 times right after it began" in (aside / REASON_FILE).read_text()
    assert count_on(store) == [1, 2, 3]


def test_a_key_that_was_changed_ends_the_flow_a_few_times_and_not_for_ever(store: Path) -> None:
    sql("UPDATE snaps SET state_key = 'alt'")(store / PARTITION_FILE)
    for _ in range(recovery_store.FAILED_STARTS):
        with pytest.raises(RuntimeError, match="routing map"):
            count_on(store)
    assert count_on(store) == [1, 2, 3]
    assert len(aside_of(store)) == 1


def test_deaths_that_are_not_in_a_row_put_no_store_under_suspicion(store: Path) -> None:
    for start in (7, 10):
        for _ in range(recovery_store.FAILED_STARTS - 1):
            with pytest.raises(RuntimeError, match="fail"):
                count_on(store, fails=True)
        assert count_on(store) == [start, start + 1, start + 2]
    assert aside_of(store) == []


@pytest.mark.parametrize(
    "kind", [InconsistentPartitionsError, MissingPartitionsError, NoPartitionsError]
)
def test_what_bytewax_refuses_is_set_aside_and_the_flow_runs_at_once(
    store: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    runs: list[Path] = []

    def refuse_once(flow: Dataflow, store: Path) -> None:
        runs.append(store)
        if len(runs) == 1:
            raise kind("src/recovery.rs says so")

    monkeypatch.setattr("forewarn.programs.run_flow._run", refuse_once)
    count_on(store)
    (aside,) = aside_of(store)
    assert len(runs) == 2 and "recovery.rs" not in (aside / REASON_FILE).read_text()
    check_store(store, "count", FORMATS)


@pytest.mark.parametrize(
    ("words", "is_damage"), [("DatabaseCorrupt", True), ("NotADatabase", True), ("busy", False)]
)
def test_damage_that_came_while_a_flow_ran_is_set_aside_for_the_next_start(
    store: Path, monkeypatch: pytest.MonkeyPatch, words: str, is_damage: bool
) -> None:
    def fail(flow: Dataflow, store: Path) -> None:
        raise RuntimeError(f"SqliteFailure(Error {{ code: {words} }})")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match=words):
        patched.setattr("forewarn.programs.run_flow._run", fail)
        count_on(store)
    assert store.exists() is not is_damage
    assert [words in (aside / REASON_FILE).read_text() for aside in aside_of(store)] == [
        False
    ] * is_damage
    assert count_on(store) == ([1, 2, 3] if is_damage else [7, 8, 9])


def test_what_a_killed_run_set_aside_is_reported_by_the_next(store: Path, tmp_path: Path) -> None:
    (store / PARTITION_FILE).write_bytes(b"")
    assert count_on(store) == [1, 2, 3]  # killed before anybody looked
    reports: list[str] = []
    for _ in range(2):
        SavedStateNews(DataDir(tmp_path), reports.append)()
    (report,) = reports
    assert report.startswith("count: what it had saved cannot be used")


def test_a_pass_that_is_over_is_forgotten_and_one_that_was_interrupted_is_not(store: Path) -> None:
    begin_pass(store)
    assert count_on(store) == [7, 8, 9]
    finish_pass(store)
    begin_pass(store)
    assert [path.name for path in store.parent.iterdir()] == []
    assert count_on(store) == [1, 2, 3]


def test_a_pass_is_forgotten_whole_though_killed_meanwhile(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(folder: Path, **_: object) -> None:
        (folder / "finished").unlink()
        raise KeyboardInterrupt

    finish_pass(store)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("shutil.rmtree", killed)
        begin_pass(store)
    begin_pass(store)
    assert count_on(store) == [1, 2, 3]
    assert [path.name for path in store.parent.iterdir()] == ["count"]
