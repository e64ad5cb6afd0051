"""Rows of the table: what is patched, what is added, and that nothing can be smuggled in."""

from __future__ import annotations

from dataclasses import replace

from dashboards.file_keys import FileKeys
from dashboards.history_html import history
from dashboards.kpi_html import kpis
from dashboards.log_follower import LogFollower
from dashboards.names import Names
from dashboards.offence_rows import compare, row_of
from dashboards.offences import OffenceBook
from dashboards.poller import Snapshot
from domain.events import OffenceUnknown


def _snapshot(staged) -> Snapshot:
    names = Names(staged.site, "en")
    book = OffenceBook(names.timezone)
    book.take(LogFollower(staged.data.events_db).read().events)
    return Snapshot(
        offences=dict(book.offences),
        counts=dict(book.counts),
        latest_at=book.latest_at,
        is_caught_up=True,
    )


def _rows(staged, lang="en"):
    snapshot = _snapshot(staged)
    return [row_of(each, snapshot, Names(staged.site, lang)) for each in snapshot.offences.values()]


def test_a_new_call_patches_cells_of_one_row_and_adds_nothing(staged):
    staged.offence(1, "complied")
    offence_id = staged.offence(2, None, calls=1)
    drawn = _rows(staged)
    staged.offence(2, "escalated", calls=3)  # the events that are there already stay as they are
    changes = compare(drawn, _rows(staged))
    assert not changes.added
    assert not changes.must_rebuild
    position = [row["offence_id"] for row in drawn].index(offence_id)
    assert set(changes.patches) == {"state", "dwell", "calls"}
    assert {place for cells in changes.patches.values() for place, _ in cells} == {position}


def test_a_new_offence_is_added_and_nothing_is_patched(staged):
    staged.offence(1, "complied")
    drawn = _rows(staged)
    new = staged.offence(2)
    changes = compare(drawn, _rows(staged))
    assert [row["offence_id"] for row in changes.added] == [new]
    assert not changes.patches


def test_rows_that_went_away_rebuild_the_table(staged):
    staged.offence(1, "complied")
    staged.offence(2, "complied")
    drawn = _rows(staged)
    assert compare(drawn, drawn[:1]).must_rebuild


def test_times_are_the_sites_and_words_are_the_readers(staged):
    staged.offence(1, "complied")
    (row,) = _rows(staged, "zh")
    assert row["since"] == "08:00:06"  # London in March is UTC
    assert "路口相机（前段）<small>请勿在前场停留" in row["where"]
    assert "已离开" in row["state"]


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
    told = replace(offence, subject_id=bad, history=(replace(event, data=data),))
    assert bad not in history(told, Names(staged.site, "en"), FileKeys())
    problem = replace(snapshot, log_problem=bad)
    assert bad not in kpis(problem, Names(staged.site, "en"))


def _about() -> list[str]:
    return [
        name
        for name in OffenceUnknown.model_fields
        if not name.endswith("sightings") and name not in ("reason",)
    ]
