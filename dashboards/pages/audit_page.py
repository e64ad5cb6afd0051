"""The audit page: faults that audits found in evidence, since when, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import panel as pn
import panel_material_ui as pmui
from panel_material_ui.template.base import Page

from dashboards.access.visitor import Visitor
from dashboards.context import ConsoleContext
from dashboards.html.audit_trend import audit_html
from dashboards.pages.page_frame import bell_for, framed, page_names
from dashboards.theme import AUDIT_CSS
from domain.access.permissions import Permission
from validation.report import read_all

REFRESH_MS = 10_000  # audits take minutes and come once a day


class AuditPage:
    """One open audit page."""

    def __init__(self, context: ConsoleContext, visitor: Visitor) -> None:
        self._context, self._visitor = context, visitor
        self._audits = context.settings.data.audits
        self._names = page_names(context)
        self._drawn = pn.pane.HTML("", stylesheets=[AUDIT_CSS], sizing_mode="stretch_width")

    def view(self) -> Page:
        """Build the page; it draws a newer audit when there is one."""
        pn.state.onload(self._begin_to_refresh)
        self._drawn.object = audit_html(read_all(self._audits), self._names)
        main = pmui.Column(self._drawn, sizing_mode="stretch_width", margin=12)
        bell = bell_for(self._context, self._names, self._visitor)
        return framed("audit", self._names, [main], self._visitor, bell)

    def _begin_to_refresh(self) -> None:
        # Panel awaits coroutines, which its annotation leaves out
        refresh = cast("Callable[[], None]", self._refresh)
        pn.state.add_periodic_callback(refresh, period=REFRESH_MS)

    async def _refresh(self) -> None:
        if not self._visitor.may(Permission.READ_AUDITS):
            return
        drawn = audit_html(await asyncio.to_thread(read_all, self._audits), self._names)
        if drawn != self._drawn.object:
            self._drawn.object = drawn
