"""What is held or erased stands in the history and above the pictures."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboards.data.offence_projection import OffenceProjection
from dashboards.data.poller import ConsoleData
from dashboards.display_names import DisplayNames
from dashboards.html.history_steps import step_lines
from dashboards.html.kpis import kpis
from dashboards.html.retention import RETENTION_STEPS, retention_notes, ring_alerts
from domain.events.catalog import (
    Event,
    EvidenceErased,
    EvidenceHeld,
    EvidenceSealed,
    OffenceOpened,
    RingPinned,
)
from tests.support.example_events import one_of_each

BY_TYPE = {type(each.data): each for each in one_of_each()}
HELD, ERASED, PINNED = BY_TYPE[EvidenceHeld], BY_TYPE[EvidenceErased], BY_TYPE[RingPinned]


@pytest.fixture
def book() -> OffenceProjection:
    made = OffenceProjection(ZoneInfo("UTC"))
    made.take([BY_TYPE[OffenceOpened], BY_TYPE[EvidenceSealed]])
    return made


@pytest.fixture(params=["zh", "en"])
def names(request: pytest.FixtureRequest) -> DisplayNames:
    return DisplayNames(None, request.param)


def step_text(event: Event, names: DisplayNames) -> str:
    return "".join(line.text for line in step_lines(event.data, names))


def released() -> Event:
    data = HELD.data.model_copy(update={"is_held": False, "reason": "case closed"})
    return Event("evt-released", HELD.source, HELD.subject, HELD.time + timedelta(1), data)


def test_a_hold_is_told_above_the_pictures_until_it_is_let_go(
    book: OffenceProjection, names: DisplayNames
) -> None:
    book.take([HELD])
    (offence,) = book.offences.values()
    assert "legal department" in "".join(retention_notes(offence, names))
    assert "appeal 17" in step_text(HELD, names)
    book.take([released()])
    (offence,) = book.offences.values()
    assert retention_notes(offence, names) == []
    assert "case closed" in step_text(released(), names)


def test_an_erased_record_shows_no_picture_and_says_when_and_why(
    book: OffenceProjection, names: DisplayNames
) -> None:
    before = book.latest_at
    book.take([ERASED])
    (offence,) = book.offences.values()
    assert offence.evidence is None
    (note,) = retention_notes(offence, names)
    assert offence.erased is not None and offence.erased.evidence_id in note
    step = step_text(ERASED, names)
    assert "42" in step and ("保存期限" in step or "its term was over" in step)
    assert book.latest_at == before  # of the footage's day, not of the clean-up's


def test_a_ring_beyond_its_limit_is_an_alert_until_it_fits(
    book: OffenceProjection, names: DisplayNames
) -> None:
    book.take([PINNED])
    drawn = kpis(ConsoleData(rings=book.rings, is_caught_up=True), names)
    assert 'role="alert"' in drawn and "19.0" in drawn and "appeal 17" in drawn
    fits = PINNED.data.model_copy(update={"is_over": False})
    book.take([Event("evt-fits", PINNED.source, PINNED.subject, PINNED.time, fits)])
    assert ring_alerts(book.rings.values(), names) == []
    assert 'role="alert"' not in kpis(ConsoleData(rings=book.rings, is_caught_up=True), names)


def test_other_steps_are_left_to_others(names: DisplayNames) -> None:
    assert OffenceOpened not in RETENTION_STEPS
    assert "appeal" not in step_text(BY_TYPE[OffenceOpened], names)
