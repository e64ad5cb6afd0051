from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.data_dir import DataDir
from domain.events.catalog import OffenceOpened, RingPinned
from event_log.log import EventLog
from evidence_store.custody.chain import CustodyChain
from evidence_store.erasure.legal_holds import Hold, Holds
from evidence_store.recordings.pins import RingUse
from flows.pin_keeper import PinKeeper
from tests.support.example_events import one_of_each

(OPENED,) = [example for example in one_of_each() if isinstance(example.data, OffenceOpened)]


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path)


def test_recorders_hear_of_offences_and_holds_of_their_camera(data: DataDir) -> None:
    with EventLog.open(data.events_db) as log:
        log.append([OPENED])
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    hold = Hold("hld-0000000000000001", "", "yard", at, at, "police request", "lawyer")
    Holds(data.holds, CustodyChain(data.custody)).place(hold)
    keeper = PinKeeper(data, "campus")
    assert keeper.of("yard") is None  # nothing is known yet: nothing may be dropped
    keeper.start()
    wait_until(lambda: keeper.of("yard") is not None)
    keeper.stop()
    assert [each.why for each in keeper.of("yard") or ()] == [
        "hold hld-0000000000000001: police request"
    ]
    assert keeper.of("no such camera") == ()


def wait_until(is_so: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(600):
        if is_so():
            return
        pause.wait(0.05)
    raise AssertionError("waited for 30 s in vain")


class Ring:
    camera_id = "yard"
    ring: RingUse | None = None


def told(data: DataDir) -> list[RingPinned]:
    with EventLog.open(data.events_db) as log:
        found = [each.event.data for each in log.read(types=[RingPinned.event_type])]
    return [each for each in found if isinstance(each, RingPinned)]


def test_a_ring_that_pins_outgrow_is_told_once_and_again_when_it_fits(
    data: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.pin_keeper.LOOK_EVERY_S", 0.05)
    recorder, keeper = Ring(), PinKeeper(data, "campus")
    keeper.watch(recorder)
    keeper.start()
    recorder.ring = RingUse(size_bytes=900, pinned_bytes=950, limit_bytes=1000)
    wait_until(lambda: len(told(data)) == 1)
    recorder.ring = RingUse(size_bytes=990, pinned_bytes=960, limit_bytes=1000)
    recorder.ring = RingUse(size_bytes=900, pinned_bytes=100, limit_bytes=1000)
    wait_until(lambda: len(told(data)) == 2)
    keeper.stop()
    assert [(each.camera_id, each.is_over) for each in told(data)] == [
        ("yard", True),
        ("yard", False),
    ]
    after_a_restart = PinKeeper(data, "campus")
    after_a_restart.watch(recorder)
    after_a_restart.start()
    wait_until(lambda: after_a_restart.of("yard") is not None)
    after_a_restart.stop()
    assert len(told(data)) == 2
