"""The event log as the input and output of real dataflows, in process and killed."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import TestingSink, TestingSource, cluster_main

from domain.errors import TryAgain
from domain.events.catalog import CameraChanged, Event, OffenceWarned
from domain.saved_state import StateUnusable
from event_log.log import EventLog
from event_log.place import LogPlace
from event_log.rows import LoggedEvent
from event_log.stories import forget
from flows.sinks.event_log import EventLogSink
from flows.sources.event_log import PLACE_FORMAT, EventLogSource
from flows.waking import AT_ONCE
from tests.support.example_events import one_of_each, warned_event

ROOT = Path(__file__).resolve().parents[3]
WARNED = [OffenceWarned.event_type]


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    return tmp_path / "events.sqlite"


def already(is_set: bool = True) -> threading.Event:
    event = threading.Event()
    if is_set:
        event.set()
    return event


def run(flow: Dataflow, recovery: Path | None = None) -> None:
    config = None
    if recovery is not None:
        if not recovery.exists():
            recovery.mkdir()
            init_db_dir(recovery, 1)
        config = RecoveryConfig(recovery)
    cluster_main(flow, [], 0, epoch_interval=timedelta(seconds=1), recovery_config=config)


def collect(source: EventLogSource, recovery: Path | None = None) -> list[LoggedEvent]:
    read: list[LoggedEvent] = []
    flow = Dataflow("collect")
    op.output("read", op.input("events", flow, source), TestingSink(read))
    run(flow, recovery)
    return read


def write(log_path: Path, events: list[Event], give_up_after_s: float = 20.0) -> None:
    flow = Dataflow("write")
    keyed = op.key_on("by_subject", op.input("events", flow, TestingSource(events)), _subject)
    op.output("event_log", keyed, EventLogSink(log_path, give_up_after_s))
    run(flow)


def _subject(event: Event) -> str:
    return event.subject


def test_a_flow_writes_each_event_once_even_when_it_runs_again(log_path: Path) -> None:
    for _ in range(2):
        write(log_path, one_of_each())
    with EventLog.open(log_path) as log:
        assert {each.event.id for each in log.read()} == {each.id for each in one_of_each()}
        assert log.last_seq() == len(one_of_each())


def test_one_event_that_cannot_be_written_does_not_take_the_others_with_it(log_path: Path) -> None:
    naive = replace(warned_event(2), time=datetime(2026, 3, 2))
    write(log_path, [warned_event(1), naive, warned_event(3)])
    with EventLog.open(log_path) as log:
        assert [each.event for each in log.read()] == [warned_event(1), warned_event(3)]


def test_a_log_locked_for_a_while_is_waited_for(log_path: Path) -> None:
    EventLog.open(log_path, busy_timeout_s=0.05).close()
    other = sqlite3.connect(log_path, isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    free = threading.Timer(0.5, lambda: other.execute("rollback"))
    free.start()
    write(log_path, [warned_event()])
    with EventLog.open(log_path) as log:
        assert log.last_seq() == 1


def test_a_log_that_stays_full_ends_the_flow(log_path: Path) -> None:
    sink = EventLogSink(log_path, give_up_after_s=0.3).build_part("event_log", "event-log", None)
    with sink._log.reading("set a limit") as connection:
        connection.exec_driver_sql("pragma max_page_count=1")
    with pytest.raises(TryAgain, match="disk is full"):
        sink.write_batch([warned_event(number) for number in range(200)])


def test_draining_reads_all_of_the_wanted_types_and_then_ends(log_path: Path) -> None:
    with EventLog.open(log_path) as log:
        log.append([*one_of_each(), *(warned_event(number) for number in range(2, 9))])
        wanted = log.read(types=WARNED)
    source = EventLogSource(log_path, WARNED, already(False), drain=already(), batch_size=3)
    assert collect(source) == wanted and len(wanted) == 8


def test_draining_an_empty_log_ends(log_path: Path) -> None:
    assert collect(EventLogSource(log_path, None, already(False), drain=already())) == []


def test_a_set_stop_ends_a_source_that_would_wait_for_ever(log_path: Path) -> None:
    stop = already(False)
    threading.Timer(0.3, stop.set).start()
    assert collect(EventLogSource(log_path, None, stop)) == []


@pytest.mark.parametrize("batch_size", [1, 7])
def test_no_event_is_passed_over_however_many_are_taken_at_a_time(
    log_path: Path, batch_size: int
) -> None:
    events = [replace(warned_event(), id=f"evt-{number}") for number in range(60)]
    with EventLog.open(log_path) as log:
        log.append(events)
    source = EventLogSource(log_path, None, already(False), batch_size=batch_size, waits=False)
    part = source.build_part("", "event-log", None)
    seqs: list[int] = []
    while batch := part.next_batch():
        seqs += [each.seq for each in batch]
    part.close()
    assert seqs == [*range(1, 61)]


def test_a_source_goes_on_where_its_last_snapshot_ended(log_path: Path, tmp_path: Path) -> None:
    recovery = tmp_path / "recovery"
    with EventLog.open(log_path) as log:
        log.append([warned_event(1), warned_event(2)])
        drained = EventLogSource(log_path, WARNED, already(False), drain=already())
        assert [each.seq for each in collect(drained, recovery)] == [1, 2]
        log.append([warned_event(3)])
        assert [each.seq for each in collect(drained, recovery)] == [3]


def test_a_log_that_was_replaced_is_read_from_its_start(log_path: Path, tmp_path: Path) -> None:
    recovery = tmp_path / "recovery"
    with EventLog.open(log_path) as log:
        log.append([warned_event(number) for number in range(5)])
    drained = EventLogSource(log_path, WARNED, already(False), drain=already())
    collect(drained, recovery)
    for path in tmp_path.glob("events.sqlite*"):
        path.unlink()
    with EventLog.open(log_path) as log:
        log.append([warned_event(7)])
    assert [each.event for each in collect(drained, recovery)] == [warned_event(7)]


def test_an_older_copy_of_the_log_is_read_from_its_start(
    log_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with EventLog.open(log_path) as log:
        log.append([warned_event(number) for number in range(5)])
        wanted, log_id = log.read(), log.log_id
    source = EventLogSource(log_path, WARNED, already(False), drain=already())
    for seq in (6, 255, 2**70):
        part = source.build_part("in", "event-log", PLACE_FORMAT.save(LogPlace(log_id, seq)))
        assert part.next_batch() == wanted
        assert f"it ends at 5 and was read up to {seq} before" in capsys.readouterr().out
    last = PLACE_FORMAT.save(LogPlace(log_id, 5))
    part = source.build_part("in", "event-log", last)
    assert part.snapshot() == last
    with pytest.raises(StopIteration):
        part.next_batch()
    assert capsys.readouterr().out == ""


def test_an_older_copy_that_others_went_on_with_is_read_from_its_start(
    log_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its numbers are as high as the old ones by then: only the event there tells."""
    source = EventLogSource(log_path, WARNED, already(False), drain=already())
    with EventLog.open(log_path) as log:
        log.append([warned_event(number) for number in range(5)])
    shutil.copy(log_path, tmp_path / "copy")
    with EventLog.open(log_path) as log:
        log.append([warned_event(number) for number in range(5, 8)])
    part = source.build_part("in", "event-log", None)
    assert len(part.next_batch()) == 8
    place = part.snapshot()
    part.close()
    for ending in ("", "-wal", "-shm"):
        Path(f"{log_path}{ending}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "copy", log_path)
    with EventLog.open(log_path) as log:
        log.append([warned_event(number) for number in range(100, 110)])
        wanted = log.read()
    assert source.build_part("in", "event-log", place).next_batch() == wanted
    assert "its event 8 is not the one that was read before" in capsys.readouterr().out


def test_a_log_whose_last_events_were_deleted_is_not_read_again(log_path: Path) -> None:
    with EventLog.open(log_path) as log:
        log.append([warned_event(number) for number in range(5)])
        forget(log, [4, 5])
        read = PLACE_FORMAT.save(LogPlace(log.log_id, 5))
        part = EventLogSource(log_path, WARNED, already(False)).build_part("in", "event-log", read)
        assert part.snapshot() == read
        log.append([warned_event(9)])
        assert [each.seq for each in part.next_batch()] == [6]


def test_a_place_before_the_log_is_refused(log_path: Path) -> None:
    before = PLACE_FORMAT.save(LogPlace("log", -1))
    with pytest.raises(StateUnusable, match="seq"):
        EventLogSource(log_path, None, already()).build_part("in", "event-log", before)


def test_a_log_replaced_under_a_running_flow_is_written_and_read_anew(
    log_path: Path, tmp_path: Path
) -> None:
    source = EventLogSource(log_path, None, already(False)).build_part("in", "event-log", None)
    sink = EventLogSink(log_path).build_part("out", "event-log", None)
    sink.write_batch([warned_event(1), warned_event(2)])
    assert [each.event for each in source.next_batch()] == [warned_event(1), warned_event(2)]
    for path in tmp_path.glob("events.sqlite*"):
        path.unlink()
    sink.write_batch([warned_event(3)])
    assert source.next_batch() == []
    assert [each.event for each in source.next_batch()] == [warned_event(3)]
    with EventLog.open(log_path) as log:
        wanted = LogPlace(log.log_id, 1, warned_event(3).id)
        assert PLACE_FORMAT.restore(source.snapshot()) == wanted


def test_a_source_is_never_asleep_for_longer_than_an_epoch_can_wait(log_path: Path) -> None:
    part = EventLogSource(log_path, None, already(False)).build_part("events", "event-log", None)
    for _ in range(3):
        assert part.next_batch() == []
        # whatever the wall clock says: it sleeps itself, for a moment, where there was nothing
        assert part.next_awake() == AT_ONCE


def test_what_is_not_wanted_is_looked_through_once(log_path: Path) -> None:
    with EventLog.open(log_path) as log:
        log.append(one_of_each())
    source = EventLogSource(log_path, [CameraChanged.event_type], already(False), batch_size=1)
    part = source.build_part("events", "event-log", None)
    assert [each.seq for each in part.next_batch()] == [1]
    assert part.next_batch() == []
    assert PLACE_FORMAT.restore(part.snapshot()).seq == len(one_of_each())


# copies every warning of the log to a camera event about it, until it is asked to stop
COPY = """
import sys
from datetime import timedelta
from pathlib import Path
import bytewax.operators as op
from bytewax._bytewax import cli_main
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig
from domain.events.catalog import Event, CameraChanged
from domain.ids import mint
from flows.signals import install_stop_signals
from flows.sinks.event_log import EventLogSink
from flows.sources.event_log import PLACE_FORMAT, EventLogSource

def about(logged):
    data = CameraChanged(site_id="campus", camera_id="gate", status="up", reason="",
                         frames_read=logged.seq, frames_put_aside=0)
    event = logged.event
    return "x", Event(mint("evt", "about", event.id), event.source, event.id, event.time, data)

path, recovery = Path(sys.argv[1]), Path(sys.argv[2])
stop, drain = install_stop_signals()
flow = Dataflow("copy")
source = EventLogSource(path, ["forewarn.offence.warned.v1"], stop, drain, batch_size=2)
warned = op.input("warned", flow, source)
op.output("event_log", op.map("about", warned, about), EventLogSink(path))
print("running", flush=True)
cli_main(flow, epoch_interval=timedelta(seconds=0.2), recovery_config=RecoveryConfig(recovery))
"""


def start_copying(log_path: Path, recovery: Path) -> subprocess.Popen[str]:
    if not recovery.exists():
        recovery.mkdir()
        init_db_dir(recovery, 1)
    command = [sys.executable, "-c", COPY, str(log_path), str(recovery)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "running\n"
    return process


def count_copies(log: EventLog) -> int:
    return log.count_by_type().get(CameraChanged.event_type, 0)


def wait_for_copies(log: EventLog, enough: int, timeout_s: float = 60.0) -> None:
    give_up_at = time.monotonic() + timeout_s
    while count_copies(log) < enough:
        assert time.monotonic() < give_up_at, f"no {enough} copies after {timeout_s} s"
        time.sleep(0.02)


def test_a_killed_flow_loses_nothing_and_writes_nothing_twice(
    log_path: Path, tmp_path: Path
) -> None:
    with EventLog.open(log_path) as log:
        for round_ in range(4):
            log.append([warned_event(100 * round_ + number) for number in range(30)])
            enough = count_copies(log) + 1
            process = start_copying(log_path, tmp_path / "recovery")
            try:
                wait_for_copies(log, enough)
                if round_ == 3:
                    process.send_signal(signal.SIGUSR1)  # finish what is there, then end
                    assert process.wait(60) == 0
            finally:
                process.kill()
                process.wait()
        warned = log.read(types=WARNED)
        about = log.read(types=[CameraChanged.event_type])
        assert len(warned) == 120
        assert sorted(each.event.subject for each in about) == sorted(
            each.event.id for each in warned
        )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_flow_that_is_asked_to_stop_ends_with_exit_code_0(
    log_path: Path, tmp_path: Path, number: signal.Signals
) -> None:
    process = start_copying(log_path, tmp_path / "recovery")
    try:
        process.send_signal(number)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def test_an_event_that_the_log_chokes_on_does_not_take_the_others_with_it(
    log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, odd, last = (warned_event(number) for number in (1, 2, 3))
    append = EventLog.append

    def choking(self: EventLog, events: list[Event]) -> int:
        if any(each.id == odd.id for each in events):
            raise OverflowError("integer too large")
        return append(self, events)

    monkeypatch.setattr(EventLog, "append", choking)
    part = EventLogSink(log_path).build_part("events", "event-log", None)
    part.write_batch([first, odd, last])
    assert [logged.event.id for logged in EventLog.open(log_path).read()] == [first.id, last.id]
