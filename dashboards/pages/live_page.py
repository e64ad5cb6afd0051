"""The live page: what needs a person, offences, live pictures, and the history of what is picked."""

from __future__ import annotations

import panel as pn
import panel_material_ui as pmui
from panel_material_ui.template.base import Page

from dashboards.access.visitor import Visitor
from dashboards.context import ConsoleContext
from dashboards.data.alarm_views import AlarmView
from dashboards.data.offence_projection import OffenceView
from dashboards.data.poller import ConsoleData
from dashboards.html.alarm_rows import trouble
from dashboards.html.history import history, nothing_picked
from dashboards.html.kpis import kpis
from dashboards.html.uncertainty import offence_notes
from dashboards.pages.alarm_queue import AlarmQueue
from dashboards.pages.offence_table import OffenceTable
from dashboards.pages.operator_panel import OperatorPanel
from dashboards.pages.page_frame import (
    bell_for,
    framed,
    html_pane,
    named_in_address,
    page_names,
)
from dashboards.pages.unmasked_dialog import UnmaskedDialog
from dashboards.pages.wall import wall
from dashboards.selections import LiveSelection
from dashboards.theme import HISTORY_CSS, KPI_CSS
from domain.access.permissions import Permission

REFRESH_MS = 500
BEAT_MS = 1000
# lists and history stay where they are, however far the pictures are scrolled, and scroll by themselves
STAYS_CSS = """
@media (min-width: 1200px) {
  :host { position: sticky; top: 0; align-self: flex-start; max-height: calc(100vh - 76px); overflow-y: auto; }
}
"""


class LivePage:
    """One open live page."""

    def __init__(self, context: ConsoleContext, visitor: Visitor) -> None:
        self._context, self._visitor = context, visitor
        self._tokens = context.tokens.of_session(visitor.handle)
        self._names = page_names(context)
        asked, alarm = (
            named_in_address("offence"),
            named_in_address("alarm"),
        )  # by a link in a message
        self._selection = LiveSelection(asked or None)
        self._drawn_version = -1
        self._drawn: tuple[OffenceView, list[str]] | None = None
        names = self._names
        self._kpis = html_pane("", KPI_CSS)
        self._queue = AlarmQueue(context, names, visitor, self._picked_alarm, asked, alarm)
        self._table = OffenceTable(names, self._picked, asked)
        self._history = html_pane(nothing_picked(names), HISTORY_CSS)
        self._operator = OperatorPanel(context, names, visitor)
        self._unmasked = UnmaskedDialog(context, names, visitor)

    def view(self) -> Page:
        """Build the page and keep it fresh while somebody looks at it."""
        lists = pmui.Column(
            self._queue.view, self._table.view, sizing_mode="stretch_width", margin=0
        )
        picked = pmui.Paper(
            *(self._operator.view, self._history, self._unmasked.view),
            sx={"p": 2},
            margin=0,
            sizing_mode="stretch_width",
        )
        body = pmui.Grid(
            pmui.Grid(lists, size={"xs": 12, "lg": 4}, stylesheets=[STAYS_CSS]),
            pmui.Grid(wall(self._names), size={"xs": 12, "lg": 4}),
            pmui.Grid(picked, size={"xs": 12, "lg": 4}, stylesheets=[STAYS_CSS]),
            container=True,
            spacing=1.5,
            sizing_mode="stretch_width",
        )
        snapshot = self._context.poller.snapshot
        self._kpis.object = kpis(snapshot, self._names)
        self._queue.begin(snapshot)
        self._table.begin(snapshot)
        pn.state.onload(self._begin_to_refresh)  # changes sent before the page stands would be lost
        main = pmui.Column(self._kpis, body, sizing_mode="stretch_width", margin=12)
        bell = bell_for(self._context, self._names, self._visitor)
        return framed("live", self._names, [main], self._visitor, bell)

    def _begin_to_refresh(self) -> None:
        pn.state.add_periodic_callback(self._refresh, period=REFRESH_MS)
        pn.state.add_periodic_callback(self._live_on, period=BEAT_MS)

    def _live_on(self) -> None:
        self._table.live_on(self._context.poller.behind_s)
        self._queue.live_on()

    def _refresh(self) -> None:
        if not self._visitor.may(Permission.WATCH):
            return  # the server closes the page's socket in a moment
        snapshot = self._context.poller.snapshot
        if snapshot.version == self._drawn_version:
            return
        self._drawn_version = snapshot.version
        with pn.io.hold():
            numbers = kpis(snapshot, self._names)
            if numbers != self._kpis.object:
                self._kpis.object = numbers
            self._queue.show(snapshot)
            self._table.show(snapshot)
            self._show_history(snapshot)

    def _picked_alarm(self, alarm: AlarmView) -> None:
        self._selection.offence_id, self._selection.alarm_id = alarm.offence_id, alarm.alarm_id
        self._show_history(self._context.poller.snapshot)

    def _picked(self, offence_id: str) -> None:
        self._selection.offence_id, self._selection.alarm_id = offence_id, None
        self._show_history(self._context.poller.snapshot)

    def _show_history(self, snapshot: ConsoleData) -> None:
        offence = snapshot.offences.get(self._selection.offence_id or "")
        if offence is None:
            self._show_alarm(snapshot.alarms.get(self._selection.alarm_id or ""))
            return
        # the log may say nothing while what is known of the subject changes
        notes = offence_notes(offence, snapshot, self._names)
        if self._drawn is not None and offence is self._drawn[0] and notes == self._drawn[1]:
            return
        self._drawn = offence, notes
        self._history.object = history(offence, self._names, self._tokens, notes)
        self._operator.view.visible = True
        self._operator.offer(offence)
        self._unmasked.offer(offence.evidence)

    def _show_alarm(self, alarm: AlarmView | None) -> None:
        """Show an alarm that is about no offence, or about one of long ago; never another's history."""
        if alarm is None:
            return
        self._drawn = None
        drawn = trouble(alarm, self._names)
        if drawn != self._history.object:
            self._history.object = drawn
            self._operator.view.visible = False
            self._unmasked.offer(None)
