"""Every event of an offence has its lines in the history, in both languages."""

from __future__ import annotations

import pytest

from dashboards.display_names import DisplayNames
from dashboards.html.history_steps import STEPS, step_lines
from dashboards.texts import Lang
from domain.events.catalog import (
    EVENT_DATA,
    AlarmJoined,
    CameraChanged,
    CameraFitness,
    ClockStepped,
    CommandGiven,
    EvidenceBehind,
    EvidenceMasked,
    ItemPutAside,
    RingPinned,
    SiteApplied,
    SiteFileChanged,
    StorageChanged,
)
from tests.support.example_events import one_of_each

# of cameras or of the site, or shown elsewhere on the page: as a command that waits, as a clip, as an alert
NO_STEP = {
    CameraChanged,
    CameraFitness,
    CommandGiven,
    EvidenceMasked,
    RingPinned,
    SiteApplied,
    SiteFileChanged,
    StorageChanged,
    EvidenceBehind,
    ClockStepped,
    ItemPutAside,
    AlarmJoined,
}


def test_an_event_has_a_step_or_is_known_to_have_none() -> None:
    assert set(STEPS) | NO_STEP == set(EVENT_DATA)
    assert not set(STEPS) & NO_STEP


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_step_says_something_in_the_readers_language(lang: Lang) -> None:
    for event in one_of_each():
        lines = step_lines(event.data, DisplayNames(None, lang))
        assert bool(lines) == (type(event.data) in STEPS)
        assert all(line.text for line in lines)
