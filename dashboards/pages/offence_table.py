"""The tables of offences as a Panel component: open ones, past ones, newest first, changed in place by its script.

Panel's Tabulator was tried: on every patch or streamed row it sets all its data anew, which throws
the reader back to the top and takes the keyboard's focus away twice a second.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import ClassVar

import param
from panel.custom import JSComponent

from dashboards.data.offence_projection import OffenceView
from dashboards.data.poller import ConsoleData, day_of, has_live_camera
from dashboards.display_names import DisplayNames
from dashboards.html.offence_rows import Row, compare, row_of
from dashboards.texts import section
from dashboards.theme import CHIP_CSS

_HERE = Path(__file__).parent
_CSS = (_HERE / "offence_table.css").read_text(encoding="utf-8")


class OffenceGrid(JSComponent):
    """The table's values that its script shares; see offence_table.js."""

    texts = param.Dict(default={})  # of the page, by name
    rows = param.List(default=[])  # Row, as the page is first drawn
    news = param.Dict(default={})  # "rows" that came or changed, ids that are "gone"
    beat = param.Integer(default=0)  # grows while the session lives
    behind_s = param.Number(default=0.0)  # for how long the console has not read the log
    picked = param.String(default="")  # id of the offence whose row was picked

    _esm = _HERE / "offence_table.js"
    _stylesheets: ClassVar[list[str]] = [CHIP_CSS, _CSS]


class OffenceTable:
    """Draws the snapshot's offences; calls back with the id of the row that was picked."""

    def __init__(
        self, names: DisplayNames, on_pick: Callable[[str], None], offence_id: str = ""
    ) -> None:
        self._names, self._on_pick = names, on_pick
        self._drawn: dict[str, Row] = {}
        self._day: date | None = None
        self._drawn_from: dict[str, OffenceView] = {}  # the offence behind each drawn row
        self.view = OffenceGrid(
            texts=section("table", names.lang),
            picked=offence_id,
            sizing_mode="stretch_width",
            margin=0,
        )
        # what was picked before may be picked again, after a row of the other list
        self.view.param.watch(self._picked, "picked", onlychanged=False)

    def begin(self, snapshot: ConsoleData) -> None:
        """Give the page its first rows, before it is drawn."""
        self._drawn = self._rows(snapshot)
        self.view.rows = list(self._drawn.values())

    def show(self, snapshot: ConsoleData) -> None:
        """Send the page the rows that came or changed, and which went."""
        rows = self._rows(snapshot)
        changes = compare(self._drawn, rows.values())
        if changes:
            self._drawn = rows
            self.view.news = {"rows": list(changes.rows), "gone": list(changes.gone)}

    def live_on(self, behind_s: float = 0.0) -> None:
        """Let the page know that its session lives; without this it warns and reloads itself.

        `behind_s`: for how long what stands here has not been compared with the log.
        """
        self.view.param.update(behind_s=round(behind_s, 1), beat=self.view.beat + 1)

    def _rows(self, snapshot: ConsoleData) -> dict[str, Row]:
        """Make the snapshot's rows; those of closed offences are made once and kept."""
        rows = {}
        site = self._names.site
        day = day_of(snapshot, self._names.timezone, has_live_camera(site))
        if day != self._day:  # at midnight all clock times get their date
            self._day, self._drawn_from = day, {}
        for id_, offence in snapshot.offences.items():
            is_same = self._drawn_from.get(id_) is offence and not offence.is_open
            rows[id_] = self._drawn[id_] if is_same else row_of(offence, snapshot, self._names)
        self._drawn_from = dict(snapshot.offences)
        return rows

    def _picked(self, event: param.parameterized.Event) -> None:
        if event.new in self._drawn:
            self._on_pick(event.new)
