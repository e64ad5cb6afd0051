from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboards.keeping_html import rings_over, standing_note, step_of_keeping
from dashboards.names import Names
from dashboards.offences import OffenceBook
from domain.events import (
    Event,
    EvidenceErased,
    EvidenceHeld,
    EvidenceSealed,
    OffenceOpened,
    RingPinned,
)
from event_log.examples import one_of_each

BY_TYPE = {type(each.data): each for each in one_of_each()}
HELD, ERASED, PINNED = BY_TYPE[EvidenceHeld], BY_TYPE[EvidenceErased], BY_TYPE[RingPinned]


@pytest.fixture
def book() -> OffenceBook:
    made = OffenceBook(ZoneInfo("UTC"))
    made.take([BY_TYPE[OffenceOpened], BY_TYPE[EvidenceSealed]])
    return made


@pytest.fixture(params=["zh", "en"])
def names(request: pytest.FixtureRequest) -> Names:
    return Names(None, request.param)


def released() -> Event:
    data = HELD.data.model_copy(update={"is_held": False, "reason": "case closed"})
    return Event("evt-released", HELD.source, HELD.subject, HELD.time + timedelta(1), data)


def test_a_hold_is_told_above_the_pictures_until_it_is_let_go(
    book: OffenceBook, names: Names
) -> None:
    book.take([HELD])
    (offence,) = book.offences.values()
    assert "legal department" in standing_note(offence, names)
    assert "appeal 17" in step_of_keeping(HELD.data, names)
    book.take([released()])
    (offence,) = book.offences.values()
    assert standing_note(offence, names) == ""
    assert "case closed" in step_of_keeping(released().data, names)


def test_an_erased_record_shows_no_picture_and_says_when_and_why(
    book: OffenceBook, names: Names
) -> None:
    before = book.latest_at
    book.take([ERASED])
    (offence,) = book.offences.values()
    assert offence.evidence is None
    assert offence.erased is not None and offence.erased.evidence_id in standing_note(
        offence, names
    )
    step = step_of_keeping(ERASED.data, names)
    assert "42" in step and ("保存期限" in step or "its term was over" in step)
    assert book.latest_at == before  # of the footage's day, not of the clean-up's


def test_a_ring_beyond_its_limit_is_an_alert_until_it_fits(book: OffenceBook, names: Names) -> None:
    book.take([PINNED])
    said = rings_over(book.rings.values(), names)
    assert 'role="alert"' in said and "19.0" in said and "appeal 17" in said
    fits = PINNED.data.model_copy(update={"is_over": False})
    book.take([Event("evt-fits", PINNED.source, PINNED.subject, PINNED.time, fits)])
    assert rings_over(book.rings.values(), names) == ""


def test_other_steps_are_left_to_others(names: Names) -> None:
    assert step_of_keeping(BY_TYPE[OffenceOpened].data, names) == ""
