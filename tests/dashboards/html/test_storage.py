"""A full disk and evidence that waits stand above the live page, in the reader's language."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from dashboards.data.offence_projection import OffenceProjection
from dashboards.data.poller import ConsoleData
from dashboards.display_names import DisplayNames
from dashboards.html.kpis import kpis
from dashboards.texts import Lang
from domain.events.catalog import Event, EvidenceBehind, StorageChanged, expect_event
from tests.support.example_events import one_of_each

BY_TYPE = {type(each.data): each for each in one_of_each()}
FULL, BEHIND = BY_TYPE[StorageChanged], BY_TYPE[EvidenceBehind]


def page(lang: Lang, *events: Event) -> str:
    projection = OffenceProjection(ZoneInfo("UTC"))
    projection.take(events)
    data = ConsoleData(disks=projection.disks, backlogs=projection.backlogs, is_caught_up=True)
    return kpis(data, DisplayNames(None, lang))


@pytest.mark.parametrize(("lang", "words"), [("en", "disk of evidence: full"), ("zh", "已满")])
def test_a_full_disk_is_told_until_it_has_room(lang: Lang, words: str) -> None:
    """Before: nobody was told that evidence could not be kept."""
    full = expect_event(FULL, StorageChanged)
    well = replace(full, id="evt-well", data=full.data.model_copy(update={"state": "ok"}))
    assert page(lang, full).count(words) == 1
    assert words not in page(lang, full, well)


@pytest.mark.parametrize(("lang", "words"), [("en", "not sealed yet"), ("zh", "尚未封存")])
def test_evidence_that_waits_is_told_until_it_has_caught_up(lang: Lang, words: str) -> None:
    behind = expect_event(BEHIND, EvidenceBehind)
    over = replace(behind, id="evt-over", data=behind.data.model_copy(update={"is_behind": False}))
    assert words in page(lang, behind)
    assert words not in page(lang, behind, over)


def test_several_folders_of_one_disk_are_one_alert() -> None:
    full = expect_event(FULL, StorageChanged)
    both = replace(full, data=full.data.model_copy(update={"folders": ("evidence", "lancedb")}))
    assert page("en", both).count("disk of evidence: full") == 1
