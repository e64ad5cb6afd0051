"""Rows of the offence table, and which of their cells changed: plain values, no widget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from dashboards.names import Names
from dashboards.offences import Offence
from dashboards.poller import Snapshot, day_of

Row = dict[str, Any]
COLUMNS = (
    "state",
    "since",
    "where",
    "dwell",
    "calls",
    "open",
    "order",
    "offence_id",
)
HIDDEN = ("order", "offence_id")


def row_of(offence: Offence, snapshot: Snapshot, names: Names) -> Row:
    """One offence as a row of the table; the state is a small piece of safe HTML."""
    site = names.site
    has_live_camera = site is None or any(camera.is_live for camera in site.cameras)
    day = day_of(snapshot, names.timezone, has_live_camera)
    return {
        "state": state_chip(offence.state, names),
        "since": names.clock(offence.first_seen_at, day),
        "where": _where(offence, names),
        "dwell": names.duration(dwell_s(offence, snapshot)),
        "calls": _calls(offence, names),
        "open": _open_button(names),
        "order": offence.first_seen_at.timestamp(),
        "offence_id": offence.offence_id,
    }


def dwell_s(offence: Offence, snapshot: Snapshot) -> float:
    """Seconds in the zone: of an open offence up to the camera's latest picture."""
    tile = snapshot.tiles.get(offence.camera_id)
    if not offence.is_open or tile is None or tile.view is None or not tile.view.captured_at:
        return offence.dwell_s
    return max(offence.dwell_s, (tile.view.captured_at - offence.first_seen_at).total_seconds())


def state_chip(state: str, names: Names) -> str:
    """A state's name in its colour; the colour alone never says it."""
    return f'<span class="state {escape(state, quote=True)}">{escape(names.state(state))}</span>'


def _where(offence: Offence, names: Names) -> str:
    camera, rule = escape(names.camera(offence.camera_id)), escape(names.rule(offence.rule_id))
    return f'<div class="where">{camera}<small>{rule}</small></div>'


def _calls(offence: Offence, names: Names) -> str:
    count = offence.rung_count or names.rung_count(offence.rule_id) or "?"
    if offence.rungs_unspoken:
        return names.say("table.calls_unspoken", spoken=offence.rungs_spoken, count=count)
    return names.say("table.calls_value", spoken=offence.rungs_spoken, count=count)


def _open_button(names: Names) -> str:
    # a real button, so that the table can be used from the keyboard
    hint = escape(names.say("table.open"), quote=True)
    return f'<button type="button" class="open" aria-label="{hint}" title="{hint}">›</button>'


@dataclass(frozen=True, slots=True)
class Changes:
    """What has to happen to the drawn table."""

    patches: Mapping[str, list[tuple[int, Any]]] = field(default_factory=dict)
    added: tuple[Row, ...] = ()
    must_rebuild: bool = False  # rows went away: positions would no longer fit


def compare(drawn: list[Row], wanted: list[Row]) -> Changes:
    """Find the cells that changed and the rows that came.

    Args:
        drawn: rows as they stand in the table, in the table's order.
        wanted: rows as they should be, in any order.
    """
    by_id = {row["offence_id"]: row for row in wanted}
    if any(row["offence_id"] not in by_id for row in drawn):
        return Changes(must_rebuild=True)
    patches: dict[str, list[tuple[int, Any]]] = {}
    for position, row in enumerate(drawn):
        new = by_id[row["offence_id"]]
        for column in COLUMNS:
            if row[column] != new[column]:
                patches.setdefault(column, []).append((position, new[column]))
    known = {row["offence_id"] for row in drawn}
    added = sorted((row for id_, row in by_id.items() if id_ not in known), key=_order)
    return Changes(patches, tuple(added))


def _order(row: Row) -> float:
    return float(row["order"])
