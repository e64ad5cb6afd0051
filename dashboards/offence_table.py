"""The offence table as a Panel component: newest first, rows changed in place by its script.

Panel's Tabulator was tried: on every patch or streamed row it sets all its data anew, which throws
the reader back to the top and takes the keyboard's focus away twice a second.
"""

# mypy: allow-untyped-calls
# (Panel and its Material components are not annotated)
from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import param
from panel.custom import JSComponent

from dashboards.names import Names
from dashboards.offence_rows import Row, compare, row_of
from dashboards.offences import Offence
from dashboards.poller import Snapshot, day_of, has_live_camera
from dashboards.texts import section
from dashboards.theme import CHIP_CSS

_HERE = Path(__file__).parent
_CSS = (_HERE / "offence_table.css").read_text(encoding="utf-8")


class OffenceGrid(JSComponent):
    """What the script is told and what it tells; see offence_table.js."""

    texts: dict[str, str] = param.Dict(default={})  # type: ignore[assignment]
    rows: list[Row] = param.List(default=[])  # type: ignore[assignment]
    news: dict[str, Any] = param.Dict(default={})  # type: ignore[assignment]
    beat: int = param.Integer(default=0)  # type: ignore[assignment]
    picked: str = param.String(default="")  # type: ignore[assignment]

    _esm = _HERE / "offence_table.js"
    _stylesheets: ClassVar[list[str]] = [CHIP_CSS, _CSS]


class OffenceTable:
    """Draws the snapshot's offences; calls back with the id of the row that was picked."""

    def __init__(self, names: Names, on_pick: Callable[[str], None]) -> None:
        self._names, self._on_pick = names, on_pick
        self._drawn: dict[str, Row] = {}
        self._day: date | None = None
        self._told: dict[str, Offence] = {}  # what each drawn row was made from
        self.view = OffenceGrid(
            texts=section("table", names.lang), sizing_mode="stretch_width", margin=0
        )
        self.view.param.watch(self._picked, "picked")

    def begin(self, snapshot: Snapshot) -> None:
        """Give the page its first rows, before it is drawn."""
        self._drawn = self._wanted(snapshot)
        self.view.rows = list(self._drawn.values())

    def show(self, snapshot: Snapshot) -> None:
        """Tell the page which rows came, changed or went."""
        wanted = self._wanted(snapshot)
        changes = compare(self._drawn, wanted.values())
        if changes:
            self._drawn = wanted
            self.view.news = {"rows": list(changes.rows), "gone": list(changes.gone)}

    def live_on(self) -> None:
        """Let the page know that its session lives; without this it warns and loads itself again."""
        self.view.beat += 1

    def _wanted(self, snapshot: Snapshot) -> dict[str, Row]:
        """Rows of the snapshot; those of closed offences are made once and kept."""
        rows = {}
        site = self._names.site
        day = day_of(snapshot, self._names.timezone, has_live_camera(site))
        if day != self._day:  # at midnight all clock times get their date
            self._day, self._told = day, {}
        for each in snapshot.offences.values():
            is_same = self._told.get(each.offence_id) is each and not each.is_open
            rows[each.offence_id] = (
                self._drawn[each.offence_id] if is_same else row_of(each, snapshot, self._names)
            )
        self._told = dict(snapshot.offences)
        return rows

    def _picked(self, event: param.parameterized.Event) -> None:
        if event.new in self._drawn:
            self._on_pick(event.new)
