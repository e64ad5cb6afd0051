from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from casework.retention.open_offences import AROUND, GIVEN_UP_AFTER, LONGEST_OPEN, OpenOffences
from domain.data_dir import DataDir
from domain.events.catalog import Event, EvidenceSealed, OffenceEscalated, OffenceOpened
from domain.ids import mint
from event_log.log import EventLog
from tests.support.example_events import one_of_each

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
        assert isinstance(ENDED.data, OffenceEscalated)
        pins = OpenOffences(log).pins(NOW)
        assert [pin.to_at for pin in pins] == [ENDED.data.last_sighting.at + AROUND]
        log.append([sealed()])
        assert OpenOffences(log).pins(NOW) == []


def test_an_offence_that_nobody_will_end_does_not_pin_for_ever(data: DataDir) -> None:
    with EventLog.open(data.events_db) as log:
        log.append([OPENED])
        offences = OpenOffences(log)
        assert len(offences.pins(NOW + GIVEN_UP_AFTER - timedelta(hours=1))) == 1
        assert offences.pins(NOW + GIVEN_UP_AFTER) == []
