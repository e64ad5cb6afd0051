"""Rows of the offence table as plain values, and which of them changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.data.offence_projection import OffenceView
from dashboards.data.poller import ConsoleData, day_of, has_live_camera
from dashboards.display_names import DisplayNames
from dashboards.html.uncertainty import offence_notes
from dashboards.texts import in_language
from domain.events.catalog import OffenceWarned

Row = dict[str, Any]


def row_of(offence: OffenceView, snapshot: ConsoleData, names: DisplayNames) -> Row:
    """Describe one offence in the reader's words; the table's script draws them as plain text."""
    day = day_of(snapshot, names.timezone, has_live_camera(names.site))
    return {
        "offence_id": offence.offence_id,
        "is_open": offence.is_open,
        "order": offence.first_seen_at.timestamp(),
        "camera_id": offence.camera_id,
        "urgency": urgency_of(offence),
        "state": offence.state,
        "state_name": names.state("dismissed_after" if offence.is_false_alarm else offence.state),
        "holder": offence.taken_by,
        "sent": names.say("table.sent") if offence.is_dispatched else "",
        "since": names.clock(offence.first_seen_at, day),
        "camera": names.camera(offence.camera_id),
        "zone": names.place(offence.camera_id, offence.zone_id),
        "rule": names.rule(offence.rule_id),
        "said": said_last(offence, names),
        "dwell": names.duration(dwell_s(offence, snapshot)),
        "calls": calls_of(offence, names),
        "notes": offence_notes(offence, snapshot, names),
    }


def dwell_s(offence: OffenceView, snapshot: ConsoleData) -> float:
    """Compute the seconds in the zone; of an open offence up to the camera's latest picture."""
    tile = snapshot.tiles.get(offence.camera_id)
    if not offence.is_open or tile is None or tile.view is None or not tile.view.captured_at:
        return offence.dwell_s
    return max(offence.dwell_s, (tile.view.captured_at - offence.first_seen_at).total_seconds())


def urgency_of(offence: OffenceView) -> int:
    """Return what a click on its camera picks first: what nobody has, and of that what was called most."""
    return -1 if offence.taken_by or offence.is_dispatched else offence.rungs_due


def said_last(offence: OffenceView, names: DisplayNames) -> str:
    """Return the words of the last call that came due; "" where none has."""
    calls = (e.data for e in reversed(offence.history) if isinstance(e.data, OffenceWarned))
    call = next(calls, None)
    return in_language(call.text, names.lang) if call else ""


def calls_of(offence: OffenceView, names: DisplayNames) -> str:
    """Count the calls, and say where nobody can have heard some of them."""
    count = offence.rung_count or names.rung_count(offence.rule_id) or "?"
    key = "table.calls_value"
    if offence.rungs_unspoken:
        key = "table.calls_unspoken"
    elif offence.rungs_written:
        key = "table.calls_written"
    return names.say(key, spoken=offence.rungs_spoken, count=count)


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes that bring the drawn table up to date."""

    rows: tuple[Row, ...] = ()  # new or different
    gone: tuple[str, ...] = ()  # ids

    def __bool__(self) -> bool:
        return bool(self.rows or self.gone)


def compare(drawn: Mapping[str, Row], wanted: Iterable[Row], key: str = "offence_id") -> Changes:
    """Find the rows, wanted in any order, that differ from those drawn, by the id named `key`."""
    by_id = {row[key]: row for row in wanted}
    return Changes(
        rows=tuple(row for id_, row in by_id.items() if drawn.get(id_) != row),
        gone=tuple(id_ for id_ in drawn if id_ not in by_id),
    )
