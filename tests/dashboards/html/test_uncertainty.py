"""What is not known for certain is told where an operator looks, in both languages, and accuses nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from people import BEGAN

from dashboards.access.file_tokens import FileTokens
from dashboards.data.offence_projection import OffenceProjection, OffenceView
from dashboards.data.poller import ConsoleData
from dashboards.data.tiles import Tile
from dashboards.display_names import DisplayNames, wall_cameras
from dashboards.html.history import history
from dashboards.html.history_steps import step_lines
from dashboards.html.kpis import kpis
from dashboards.html.offence_rows import row_of
from dashboards.html.search_results import recent_cards
from dashboards.html.uncertainty import _percent, offence_notes
from dashboards.selections import SearchSelection
from dashboards.texts import Lang
from domain.cameras.live_view import LiveHidden, LiveView
from domain.events.base import CameOut
from domain.events.catalog import OffenceComplied, OffenceOpened, Recognition
from domain.site.loading import load_site
from domain.site.site import Site
from tests.support.example_events import one_of_each

BY_TYPE: dict[type, Any] = {type(each.data): each for each in one_of_each()}
KEYS = FileTokens(b"s" * 32)
PERHAPS = Recognition(
    how="return",
    gap_s=300,
    similarity=0.9,
    margin=0.2,
    error=0.073,
    verdict="perhaps",
    earlier_subject_id="gate/4",
    earlier_offence_id="ofc-0123",
)


def opened(recognition: Recognition | None = None) -> OffenceView:
    event = BY_TYPE[OffenceOpened]
    data = event.data.model_copy(
        update={
            "recognition": recognition,
            "camera_id": "gate-early",
            "zone_id": "forecourt-early",
        }
    )
    projection = OffenceProjection(DisplayNames(None, "en").timezone)
    projection.take([replace(event, data=data)])
    (offence,) = projection.offences.values()
    return offence


def tile(
    offence: OffenceView, *, hidden: bool = False, covered: str = "", status: str = "up"
) -> Tile:
    out_of_sight = LiveHidden(
        offence_id=offence.offence_id,
        track_id=7,
        box_xyxy=(1, 2, 3, 4),
        since=BEGAN + timedelta(seconds=3),
        state="warned",
    )
    view = LiveView(
        camera_id=offence.camera_id,
        status="up",
        hidden=(out_of_sight,) if hidden else (),
        unfit_places=(covered,) if covered else (),
    )
    return Tile(offence.camera_id, 1, view, b"", 0.0, status, "")


def page(offence: OffenceView, shown: Tile, names: DisplayNames) -> tuple[str, str, str]:
    """Return what the table, the history and the numbers above say."""
    data = ConsoleData(
        tiles={shown.camera_id: shown}, offences={offence.offence_id: offence}, is_caught_up=True
    )
    notes = offence_notes(offence, data, names)
    row = row_of(offence, data, names)
    return "; ".join(row["notes"]), history(offence, names, KEYS, notes), kpis(data, names)


@pytest.mark.parametrize(
    ("lang", "words"), [("en", ("08:00:03", "no call")), ("zh", ("08:00:03", "不喊话"))]
)
def test_that_somebody_is_hidden_is_told_while_they_are(lang: Lang, words: tuple[str, str]) -> None:
    offence, names = opened(), DisplayNames(None, lang)
    row, drawn, numbers = page(offence, tile(offence, hidden=True), names)
    assert all(word in row and word in drawn for word in words)
    assert words[1] in numbers
    ended = replace(offence, state="unknown")
    for now, shown in (
        (offence, tile(offence)),
        (offence, tile(offence, hidden=True, status="stale")),
        (ended, tile(offence, hidden=True)),
    ):
        assert not any(word in text for text in page(now, shown, names) for word in words[1:])


@pytest.mark.parametrize(
    ("lang", "chance", "words"), [("en", "7.3 %", "Perhaps"), ("zh", "7.3%", "可能")]
)
def test_who_is_only_perhaps_the_same_is_told_with_the_chance_of_error_and_a_link(
    lang: Lang, chance: str, words: str
) -> None:
    offence, names = opened(PERHAPS), DisplayNames(None, lang)
    row, drawn, _ = page(offence, tile(offence), names)
    assert chance in row and words in row
    assert chance in drawn and "gate/4" in drawn
    assert f'href="/live?lang={lang}&amp;offence=ofc-0123"' in drawn
    record: Any = SimpleNamespace(
        evidence_id="evd-1",
        offence_id=offence.offence_id,
        camera_id="gate-early",
        rule_id="no-lingering",
        outcome="complied",
        files=(),
        first_seen_at=BEGAN,
        dwell_s=1.0,
    )
    card = recent_cards([record], SearchSelection(), names, KEYS, {offence.offence_id: offence})
    assert chance in card and words in card


def test_whoever_is_known_again_is_told_in_the_history_alone() -> None:
    same = PERHAPS.model_copy(update={"verdict": "same", "error": None, "earlier_offence_id": ""})
    offence, names = opened(same), DisplayNames(None, "en")
    row, drawn, _ = page(offence, tile(offence), names)
    assert row == ""
    assert "Taken to be gate/4" in drawn and "not stated" in drawn and "<a " not in drawn


@pytest.fixture(scope="module")
def site(sample_site_file: Any) -> Site:
    return load_site(sample_site_file)


@pytest.mark.parametrize(
    ("lang", "zone", "words"), [("en", "Forecourt", "Not judged"), ("zh", "前场", "不判断")]
)
def test_the_zones_that_a_cover_touches_are_named(
    site: Site, lang: Lang, zone: str, words: str
) -> None:
    offence, names = opened(), DisplayNames(site, lang)
    row, drawn, numbers = page(offence, tile(offence, covered="forecourt-early"), names)
    assert words.lower() in row.lower() and words.lower() in drawn.lower()
    assert zone in numbers and words.lower() in numbers.lower()
    elsewhere, _, numbers = page(offence, tile(offence, covered="new-zone"), names)
    assert elsewhere == "" and "new-zone" in numbers


def test_the_walls_script_knows_zones_by_id_and_the_names_of_all_places(site: Site) -> None:
    camera = wall_cameras(DisplayNames(site, "en"))[0]
    zones: Any = camera["zones"]
    assert zones[0]["zone_id"] == "forecourt-early"
    assert camera["places"] == {"forecourt-early": zones[0]["title"]}


@pytest.mark.parametrize(("lang", "words"), [("en", "out of sight"), ("zh", "看不见")])
def test_an_outcome_says_for_how_long_its_subject_was_hidden(lang: Lang, words: str) -> None:
    data, names = BY_TYPE[OffenceComplied].data, DisplayNames(None, lang)
    out = (CameOut(gap_s=6, away=0.4, similarity=None),)
    hidden = data.model_copy(update={"unseen_s": 6.2, "came_out": out})
    told = [line.text for line in step_lines(hidden, names) if words in line.text]
    assert len(told) == 2 and all("6" in text for text in told)
    assert not any(words in line.text for line in step_lines(data, names))


@pytest.mark.parametrize(
    ("chance", "written"),
    [(0, "<0.01"), (0.00009, "<0.01"), (0.004, "0.4"), (0.0731, "7.3"), (0.256, "26"), (1, "100")],
)
def test_a_chance_is_written_in_percent_and_never_as_none(chance: float, written: str) -> None:
    assert _percent(chance) == written
