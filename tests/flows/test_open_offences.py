from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.data_dir import DataDir
from domain.events import Event, EvidenceSealed, OffenceEscalated, OffenceOpened, RingPinned
from domain.ids import mint
from event_log.examples import one_of_each
from event_log.log import EventLog
from evidence_store.custody import CustodyChain
from evidence_store.holds import Hold, Holds
from evidence_store.pins import RingUse
from flows.open_offences import AROUND, GIVEN_UP_AFTER, LONGEST_OPEN, OpenOffences
from flows.pin_keeper import PinKeeper

EXAMPLES = {each.data.event_type: each for each in one_of_each()}
OPENED = EXAMPLES[OffenceOpened.event_type]
ENDED = EXAMPLES[OffenceEscalated.event_type]
NOW = OPENED.time + timedelta(minutes=1)


def sealed() -> Event:
    example = EXAMPLES[EvidenceSealed.event_type]
    evidence_id = mint("evd", OPENED.subject)
    data = example.data.model_copy(
        update={"evidence_id": evidence_id, "offence_id": OPENED.subject}
    )
    return Event("evt-sealed", example.source, evidence_id, example.time, data)


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path)


def test_footage_is_pinned_from_opening_until_its_evidence_is_sealed(data: DataDir) -> None:
    with EventLog.open(data.events_db) as log:
        offences = OpenOffences(log)
        assert offences.pins(NOW) == []
        log.append([OPENED])
        (opened,) = offences.pins(NOW)
        assert isinstance(OPENED.data, OffenceOpened)
        begins = OPENED.data.first_sighting.at - AROUND
        assert (opened.camera_id, opened.from_at) == (OPENED.data.camera_id, begins)
        assert opened.to_at == begins + LONGEST_OPEN
        log.append([ENDED])
        (ended,) = offences.pins(NOW)
        assert isinstance(ENDED.data, OffenceEscalated)
        assert ended.to_at == ENDED.data.last_sighting.at + AROUND
        assert offences.pins(NOW + timedelta(days=99)) == [ended]  # sealing may be away for long
        log.append([sealed()])
        assert offences.pins(NOW) == []


def test_a_late_start_reads_the_same(data: DataDir) -> None:
    with EventLog.open(data.events_db) as log:
        log.append([OPENED, ENDED])
        assert [each.to_at for each in OpenOffences(log).pins(NOW)] == [
            ENDED.data.last_sighting.at + AROUND  # type: ignore[attr-defined]
        ]
        log.append([sealed()])
        assert OpenOffences(log).pins(NOW) == []


def test_an_offence_that_nobody_will_end_does_not_pin_for_ever(data: DataDir) -> None:
    with EventLog.open(data.events_db) as log:
        log.append([OPENED])
        offences = OpenOffences(log)
        assert len(offences.pins(NOW + GIVEN_UP_AFTER - timedelta(hours=1))) == 1
        assert offences.pins(NOW + GIVEN_UP_AFTER) == []


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
