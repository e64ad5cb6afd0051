"""The frame around every page: the bar with the site, the pages and the language."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui
from panel_material_ui.template.base import Page

from dashboards.access.visitor import Visitor
from dashboards.context import ConsoleContext
from dashboards.display_names import DisplayNames
from dashboards.html.rendering import render
from dashboards.pages.bell import Bell
from dashboards.texts import LANGS, choose_lang, in_language
from dashboards.theme import NAV_CSS, NO_LOGIN_CSS, PAGE_CSS, THEME
from domain.access.decisions import MAKE_A_LIST
from domain.access.permissions import Permission

# each page, and the permission that it needs
PAGES = {"live": Permission.WATCH, "search": Permission.SEE_MASKED, "audit": Permission.READ_AUDITS}

BELL_EVERY_MS = 500


def named_in_address(name: str) -> str:
    """Return what the address of the page that is being opened says of `name`; "" if nothing."""
    return (pn.state.session_args.get(name) or [b""])[0].decode(errors="replace")


def page_names(context: ConsoleContext) -> DisplayNames:
    """Return names in the language of the page that is being opened."""
    asked = named_in_address("lang")
    preferred = str((pn.state.headers or {}).get("Accept-Language", ""))
    return DisplayNames(context.settings.site, choose_lang(asked, context.settings.lang, preferred))


def html_pane(drawn: str, css: str, **layout: Any) -> pn.pane.HTML:
    """Build a pane for HTML that is drawn already, with the styles that it needs."""
    return pn.pane.HTML(
        drawn, stylesheets=[css], **{"sizing_mode": "stretch_width", "margin": 0, **layout}
    )


def typed_text(field: pmui.TextInput | pmui.TextAreaInput) -> str:
    """Return what was typed into a field, also before it is left, without spaces around it."""
    # value only follows once the field is left; value_input follows every key
    return (field.value_input or field.value or "").strip()


def page_visitor(context: ConsoleContext) -> Visitor:
    """Return who opened the page that is being drawn."""
    return context.guard.visitor(pn.state.headers)


def first_page(context: ConsoleContext) -> str:
    """Choose the first page that the visitor may see; else the live page, which says why not."""
    visitor = page_visitor(context)
    return next((page for page, permission in PAGES.items() if visitor.may(permission)), "live")


def refused(page: str, names: DisplayNames, visitor: Visitor) -> Page | None:
    """Build what somebody sees who may not see a page; None: they may."""
    why_not = visitor.decide(PAGES[page]).why_not
    if why_not is None:
        return None
    alert = pmui.Alert(in_language(why_not, names.lang), severity="warning", margin=24)
    return framed(page, names, [alert], visitor)


def bell_for(context: ConsoleContext, names: DisplayNames, visitor: Visitor) -> list[Any]:
    """Build a page's bell, which rings as long as somebody looks at it; [] for who may not watch."""
    if not visitor.may(Permission.WATCH):
        return []
    bell = Bell(names)

    def look() -> None:
        if visitor.may(Permission.WATCH):
            bell.look(context.poller.snapshot)

    def begin() -> None:
        pn.state.add_periodic_callback(look, period=BELL_EVERY_MS)

    pn.state.onload(begin)
    return [bell.view]


def framed(
    page: str,
    names: DisplayNames,
    main: list[Any],
    visitor: Visitor,
    beside: Sequence[Any] = (),
) -> Page:
    """Build a page with its bar and what stands `beside` it; everything it needs comes from this console."""
    title = names.say(f"page.{page}")
    return Page(
        title="forewarn",
        # Panel writes it into the page as it is
        meta_title=escape(f"{title} · {names.site_title or 'forewarn'}"),
        dark_theme=True,
        theme_toggle=False,
        theme_config=THEME,
        busy_indicator=None,
        header=[_navigation(page, names, visitor), *beside],
        main=main if visitor.is_listed else [_no_login(names), *main],
        raw_css=[PAGE_CSS],
        site_url=f"/live?lang={names.lang}",
    )


def _no_login(names: DisplayNames) -> pn.pane.HTML:
    return html_pane(render("no_login.html", names=names, command=MAKE_A_LIST), NO_LOGIN_CSS)


def _navigation(current: str, names: DisplayNames, visitor: Visitor) -> pn.pane.HTML:
    drawn = render(
        "navigation.html",
        names=names,
        current=current,
        pages=[page for page, permission in PAGES.items() if visitor.may(permission)],
        person=visitor.asker.name if visitor.is_listed else None,
        other_lang=next(lang for lang in LANGS if lang != names.lang),
    )
    return html_pane(drawn, NAV_CSS)
