"""Rows of the table: what is patched, what is added, and that nothing can be smuggled in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from dashboards.access.file_tokens import FileTokens
from dashboards.data.offence_projection import OffenceProjection
from dashboards.data.poller import ConsoleData
from dashboards.data.tiles import Tile
from dashboards.display_names import DisplayNames
from dashboards.html.history import history
from dashboards.html.kpis import kpis
from dashboards.html.offence_rows import compare, row_of
from domain.events.catalog import OffenceUnknown
from event_log.follower import LogFollower


def _snapshot(staged) -> ConsoleData:
    names = DisplayNames(staged.site, "en")
    book = OffenceProjection(names.timezone)
    book.take(LogFollower(staged.data.events_db).read().events)
    return ConsoleData(
        offences=dict(book.offences),
        counts=dict(book.counts),
        latest_at=book.latest_at,
        is_caught_up=True,
    )


def _drawn(staged):
    return {row["offence_id"]: row for row in _rows(staged)}


def _rows(staged, lang="en"):
    snapshot = _snapshot(staged)
    return [
        row_of(each, snapshot, DisplayNames(staged.site, lang))
        for each in snapshot.offences.values()
    ]


def test_a_new_call_changes_one_row(staged):
    staged.offence(1, "complied")
    offence_id = staged.offence(2, None, calls=1)
    drawn = _drawn(staged)
    assert not compare(drawn, _rows(staged))
    staged.offence(2, "escalated", calls=3)  # the events that are there already stay as they are
    changes = compare(drawn, _rows(staged))
    (row,) = changes.rows
    assert row["offence_id"] == offence_id
    assert row["state"] == "escalated"
    assert not changes.gone


def test_a_new_offence_adds_one_row(staged):
    staged.offence(1, "complied")
    drawn = _drawn(staged)
    new = staged.offence(2)
    changes = compare(drawn, _rows(staged))
    assert [row["offence_id"] for row in changes.rows] == [new]


def test_an_offence_that_was_forgotten_goes(staged):
    first = staged.offence(1, "complied")
    staged.offence(2, "complied")
    changes = compare(_drawn(staged), _rows(staged)[1:])
    assert changes.gone == (first,)
    assert not changes.rows


def test_times_are_the_sites_and_words_are_the_readers(staged):
    staged.offence(1, "complied")
    (row,) = _rows(staged, "zh")
    assert row["since"] == "08:00:06"  # London in March is UTC
    assert (row["camera"], row["rule"]) == ("路口相机（前段）", "请勿在前场停留")
    assert row["state_name"] == "已离开"


def test_an_officer_who_was_sent_is_told_apart_and_what_nobody_has_comes_first(staged):
    offence_id = staged.offence(1, None, calls=2)
    called = _snapshot(staged).offences[offence_id]
    sent, taken = replace(called, is_dispatched=True), replace(called, taken_by="Wang")
    names = DisplayNames(staged.site, "en")
    rows = [row_of(each, ConsoleData(), names) for each in (called, sent, taken)]
    assert [row["sent"] for row in rows] == ["", "Officer sent", ""]
    assert [row["urgency"] for row in rows] == [2, -1, -1]
    assert rows[0]["calls"] == "2/3 as files"
    assert "Officer sent" in history(sent, names, FileTokens())
    assert "Officer sent" not in history(called, names, FileTokens())


def test_a_camera_without_new_pictures_says_since_when():
    since = datetime(2026, 3, 2, 8, 0, 5, tzinfo=UTC)
    tile = Tile("gate", 1, None, b"", 9.0, "stale", "", replaced_at=since)
    data = ConsoleData(tiles={"gate": tile}, is_caught_up=True)
    assert "gate: Stale since 08:00:05" in kpis(data, DisplayNames(None, "en"))


def test_what_an_event_says_cannot_become_html(staged):
    offence_id = staged.offence(1, None)
    snapshot = _snapshot(staged)
    offence = snapshot.offences[offence_id]
    event = offence.history[-2]
    bad = "<img src=x onerror=alert(1)>"
    data = OffenceUnknown(
        **{
            **event.data.model_dump(include=set(_about())),
            "first_sighting": event.data.sighting,
            "rung_sightings": (),
            "last_sighting": event.data.sighting,
            "reason": bad,
        }
    )
    hostile = replace(offence, subject_id=bad, history=(replace(event, data=data),))
    assert bad not in history(hostile, DisplayNames(staged.site, "en"), FileTokens())
    problem = replace(snapshot, log_problem=bad)
    assert bad not in kpis(problem, DisplayNames(staged.site, "en"))


def _about() -> list[str]:
    return [
        name
        for name in OffenceUnknown.model_fields
        if not name.endswith("sightings") and name not in ("reason",)
    ]
