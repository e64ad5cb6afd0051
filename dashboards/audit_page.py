"""The audit page: what the machine found wrong with evidence, since when, and why."""

# mypy: allow-untyped-calls
# (Panel and its Material components are not annotated)
from __future__ import annotations

import asyncio

import panel as pn
import panel_material_ui as pmui
from panel_material_ui.template.base import Page

from dashboards.audit_html import audit_html
from dashboards.context import Context
from dashboards.frame import framed, page_names, page_visitor, refused
from dashboards.theme import AUDIT_CSS
from dashboards.visitor import Visitor
from domain.acts import Act
from validation.report import read_all

REFRESH_MS = 10_000  # audits take minutes and come once a day


class AuditPage:
    """One open audit page."""

    def __init__(self, context: Context, visitor: Visitor) -> None:
        self._visitor = visitor
        self._audits = context.settings.data.audits
        self._names = page_names(context)
        self._drawn = pn.pane.HTML("", stylesheets=[AUDIT_CSS], sizing_mode="stretch_width")

    def view(self) -> Page:
        """Build the page; it draws a newer audit when there is one."""
        pn.state.onload(self._begin_to_refresh)
        self._drawn.object = audit_html(read_all(self._audits), self._names)
        main = pmui.Column(self._drawn, sizing_mode="stretch_width", margin=12)
        return framed("audit", self._names, [main], self._visitor)

    def _begin_to_refresh(self) -> None:
        pn.state.add_periodic_callback(self._refresh, period=REFRESH_MS)  # type: ignore[arg-type]

    async def _refresh(self) -> None:
        if not self._visitor.may(Act.READ_AUDITS):
            return
        drawn = audit_html(await asyncio.to_thread(read_all, self._audits), self._names)
        if drawn != self._drawn.object:
            self._drawn.object = drawn


def audit_page(context: Context) -> Page:
    """A new audit page for the browser that asks."""
    visitor = page_visitor(context)
    return refused("audit", page_names(context), visitor) or AuditPage(context, visitor).view()
