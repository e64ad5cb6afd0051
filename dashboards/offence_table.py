"""The offence table: newest first, rows patched in place so that nothing jumps under the hand."""

# mypy: allow-untyped-calls
# (Panel and its Material components are not annotated)
from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import panel as pn

from dashboards.names import Names
from dashboards.offence_rows import COLUMNS, HIDDEN, Row, compare, row_of
from dashboards.poller import Snapshot
from dashboards.theme import TABLE_CSS

WIDTHS_PX = {
    "state": 118,
    "since": 92,
    "dwell": 84,
    "calls": 124,
    "open": 52,
}


class OffenceTable:
    """Draws the snapshot's offences; calls back with the id of the row that was picked."""

    def __init__(self, names: Names, on_pick: Callable[[str], None]) -> None:
        self._names, self._on_pick = names, on_pick
        self._rows: list[Row] = []
        titles = {column: names.say(f"table.{column}") for column in COLUMNS[:5]} | {"open": ""}
        self.view = pn.widgets.Tabulator(
            _frame([]),
            titles=titles,
            hidden_columns=list(HIDDEN),
            show_index=False,
            disabled=True,
            selectable=1,
            sorters=[{"field": "order", "dir": "desc"}],
            formatters={name: {"type": "html"} for name in ("state", "where", "open")},
            widths=WIDTHS_PX,
            layout="fit_columns",
            header_align="left",
            text_align="left",
            configuration={"headerSort": False, "placeholder": names.say("table.none")},
            stylesheets=[TABLE_CSS],
            sizing_mode="stretch_width",
            height=330,
            margin=0,
        )
        self.view.on_click(self._clicked)

    def show(self, snapshot: Snapshot) -> None:
        """Bring the table up to the snapshot: patch cells, add rows, rebuild only if some left."""
        wanted = [row_of(each, snapshot, self._names) for each in snapshot.offences.values()]
        changes = compare(self._rows, wanted)
        if changes.must_rebuild or not self._rows:
            self._rebuild(wanted)
            return
        for column, cells in changes.patches.items():
            self.view.patch({column: cells}, as_index=False)
            for position, value in cells:
                self._rows[position][column] = value
        if changes.added:
            self._rows.extend(dict(row) for row in changes.added)
            self.view.stream(_frame(list(changes.added)), follow=False)

    def _rebuild(self, wanted: list[Row]) -> None:
        rows = sorted((dict(row) for row in wanted), key=lambda row: row["order"])
        if not rows and not self._rows:
            return
        self._rows = rows
        self.view.value = _frame(rows)

    def _clicked(self, event: pn.models.tabulator.CellClickEvent) -> None:
        if event.row is not None and 0 <= event.row < len(self._rows):
            self._on_pick(self._rows[event.row]["offence_id"])


def _frame(rows: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(COLUMNS))
