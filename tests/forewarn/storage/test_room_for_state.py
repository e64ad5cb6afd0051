"""A flow whose saved state finds no room waits, with the reserve given up, and goes on when there is some."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.data_dir import DataDir
from domain.errors import NoRoom, TryAgain
from domain.site.storage import KeptFree
from event_log.log import EventLog
from flows.sinks.event_log import EventLogSink
from forewarn.storage.reserve import Reserve
from forewarn.storage.room_for_state import RoomForState
from forewarn.storage.storage_watch import StorageWatch
from tests.support.example_events import one_of_each
from tests.support.small_disk import SmallDisk

KIB = 1024
FLOW = """
import sys, threading
from pathlib import Path
import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink
from domain.errors import NoRoom
from domain.events.catalog import EvidenceSealed
from event_log.log import EventLog
from flows.sources.event_log import PLACE_FORMAT, EventLogSource
from forewarn.programs.run_flow import run_flow

folder, log = Path(sys.argv[1]), Path(sys.argv[2])
flow = Dataflow("full")
stop = threading.Event()
logged = op.input("events", flow, EventLogSource(log, [EvidenceSealed.event_type], stop))
op.output("kept", logged, TestingSink([]))

def fill():
    with (folder / "filler").open("wb", buffering=0) as file:
        for size in (65536, 256, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue

threading.Timer(2.5, fill).start()
threading.Timer(40, stop.set).start()
try:
    run_flow(flow, folder / "recovery", {"events": PLACE_FORMAT})
except NoRoom as error:
    print(error)
    sys.exit(75)
"""


def waited_for(claim: Callable[[], bool], at_most_s: float = 30.0) -> bool:
    until_s = time.monotonic() + at_most_s
    while not claim() and time.monotonic() < until_s:
        time.sleep(0.05)
    return claim()


def test_bytewaxs_panic_on_a_full_disk_is_said_in_words(
    small_disk: SmallDisk, tmp_path: Path
) -> None:
    """Before: RuntimeError "SqliteFailure(Error { code: DiskFull …", exit code 1, counted as a crash."""
    log = tmp_path / "events.sqlite"
    EventLog.open(log).close()
    done = subprocess.run(
        [sys.executable, "-c", FLOW, str(small_disk.folder), str(log)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == NoRoom.exit_code, done.stderr[-2000:]
    assert "the disk is full or cannot be written" in done.stdout


def test_the_reserve_is_given_up_before_state_is_saved(small_disk: SmallDisk) -> None:
    data = DataDir(small_disk.folder)
    assert Reserve(data.root).take(64 * KIB)
    beats: list[int] = []
    room = RoomForState(data, threading.Event(), lambda: beats.append(1))
    small_disk.fill()
    assert room()
    assert Reserve(data.root).held_bytes == 0
    assert beats == [1]  # a sign of life, and nothing was waited for


@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_a_program_waits_with_signs_of_life_until_there_is_room(
    small_disk: SmallDisk, trouble: str
) -> None:
    beats: list[int] = []
    answers: list[bool] = []
    room = RoomForState(DataDir(small_disk.folder), threading.Event(), lambda: beats.append(1))
    if trouble == "full":
        small_disk.fill()
    else:
        small_disk.set_read_only(True)
    thread = threading.Thread(target=lambda: answers.append(room()))
    thread.start()
    assert waited_for(lambda: len(beats) > 2)
    assert answers == []
    if trouble == "full":
        small_disk.free()
    else:
        small_disk.set_read_only(False)
    thread.join(timeout=30)
    assert answers == [True]


def test_a_program_that_waits_for_room_can_be_ended(small_disk: SmallDisk) -> None:
    stop = threading.Event()
    small_disk.fill()
    stop.set()
    assert RoomForState(DataDir(small_disk.folder), stop, lambda: None)() is False


def test_what_fails_though_there_is_room_shows_signs_of_life_and_can_be_ended(
    tmp_path: Path,
) -> None:
    """Before: no sign of life for as long as it failed, and SIGTERM was not heard."""
    beats: list[int] = []
    stop = threading.Event()
    room = RoomForState(DataDir(tmp_path), stop, lambda: beats.append(1))
    assert [room() for _ in range(3)] == [True] * 3
    assert len(beats) == 3
    stop.set()
    assert [room() for _ in range(3)] == [True, False, False]


def test_a_log_that_is_locked_is_given_up_in_time_though_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, asked = DataDir(tmp_path), list[int]()

    def refuse(log: EventLog, events: object) -> None:
        asked.append(1)
        if len(asked) > 3:
            pytest.fail("it is tried for ever")
        raise TryAgain("another program holds it locked")

    sink = EventLogSink(data.events_db, give_up_after_s=0.0, wait_for_room=lambda: True)
    part = sink.build_part("sink", "event-log", None)
    monkeypatch.setattr(EventLog, "append", refuse)
    with pytest.raises(TryAgain, match="locked"):
        part.write_batch(list(one_of_each()[:1]))
    part.close()


def test_an_unmounted_data_folder_is_waited_for_and_nothing_is_written_in_its_place(
    tmp_path: Path,
) -> None:
    """Before: a new log was begun in the empty folder, and hidden when the disk was mounted again."""
    data, away = DataDir(tmp_path / "data"), tmp_path / "away"
    data.locks.mkdir(parents=True)
    (data.locks / "run").touch()
    events, beats, stop = one_of_each(), list[int](), threading.Event()
    told: list[str] = []
    watch = StorageWatch(data, "campus", told.append, KeptFree(0))
    watch.look_at_disks()

    def beat() -> None:
        beats.append(1)
        watch.look_at_disks()
        if len(beats) == 3:
            assert list(data.root.iterdir()) == []
            data.root.rmdir()
            away.rename(data.root)

    room = RoomForState(data, stop, beat)
    part = EventLogSink(data.events_db, wait_for_room=room).build_part("sink", "event-log", None)
    part.write_batch(list(events[:2]))
    data.root.rename(away)  # what is left of an unmounted disk is the empty folder
    data.root.mkdir()
    part.write_batch(list(events[2:]))
    part.close()
    watch.look_at_disks()
    with EventLog.open(data.events_db) as log:
        assert {each.event.id for each in log.read()} == {each.id for each in events}
    assert "was its disk unmounted?" in told[0] and "well again" in told[-1]


def test_events_wait_for_room_and_none_is_lost(small_disk: SmallDisk) -> None:
    """Before: given up after 20 s, and the program ended."""
    data, events = DataDir(small_disk.folder), one_of_each()
    waited: list[int] = []

    def wait_for_room() -> bool:
        waited.append(1)
        if len(waited) == 3:
            small_disk.free()
        return True

    sink = EventLogSink(data.events_db, give_up_after_s=0.0, wait_for_room=wait_for_room)
    part = sink.build_part("sink", "event-log", None)
    small_disk.fill()
    for _ in range(20):  # more than a journal's page still has room for
        part.write_batch(list(events))
    part.close()
    with EventLog.open(data.events_db) as log:
        assert {each.event.id for each in log.read()} == {each.id for each in events}
    assert len(waited) >= 3
