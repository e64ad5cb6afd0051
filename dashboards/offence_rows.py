"""Rows of the offence table, and which of them changed: plain values, no widget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from dashboards.names import Names
from dashboards.offences import Offence
from dashboards.poller import Snapshot, day_of, has_live_camera

Row = dict[str, Any]


def row_of(offence: Offence, snapshot: Snapshot, names: Names) -> Row:
    """One offence in the reader's words; the table's script draws them as plain text."""
    day = day_of(snapshot, names.timezone, has_live_camera(names.site))
    return {
        "offence_id": offence.offence_id,
        "order": offence.first_seen_at.timestamp(),
        "state": offence.state,
        "state_name": names.state(offence.state),
        "holder": offence.taken_by,
        "since": names.clock(offence.first_seen_at, day),
        "camera": names.camera(offence.camera_id),
        "rule": names.rule(offence.rule_id),
        "dwell": names.duration(dwell_s(offence, snapshot)),
        "calls": _calls(offence, names),
    }


def dwell_s(offence: Offence, snapshot: Snapshot) -> float:
    """Seconds in the zone: of an open offence up to the camera's latest picture."""
    tile = snapshot.tiles.get(offence.camera_id)
    if not offence.is_open or tile is None or tile.view is None or not tile.view.captured_at:
        return offence.dwell_s
    return max(offence.dwell_s, (tile.view.captured_at - offence.first_seen_at).total_seconds())


def state_chip(state: str, names: Names) -> str:
    """A state's name in its colour, as HTML; the colour alone never says it."""
    return f'<span class="state {escape(state, quote=True)}">{escape(names.state(state))}</span>'


def _calls(offence: Offence, names: Names) -> str:
    count = offence.rung_count or names.rung_count(offence.rule_id) or "?"
    key = "table.calls_unspoken" if offence.rungs_unspoken else "table.calls_value"
    return names.say(key, spoken=offence.rungs_spoken, count=count)


@dataclass(frozen=True, slots=True)
class Changes:
    """What has to happen to the drawn table."""

    rows: tuple[Row, ...] = ()  # new or different
    gone: tuple[str, ...] = ()  # offence ids

    def __bool__(self) -> bool:
        return bool(self.rows or self.gone)


def compare(drawn: Mapping[str, Row], wanted: Iterable[Row]) -> Changes:
    """Find the rows that differ from what is drawn.

    Args:
        drawn: offence id -> row as it stands in the table.
        wanted: rows as they should be, in any order.
    """
    by_id = {row["offence_id"]: row for row in wanted}
    return Changes(
        rows=tuple(row for id_, row in by_id.items() if drawn.get(id_) != row),
        gone=tuple(id_ for id_ in drawn if id_ not in by_id),
    )
