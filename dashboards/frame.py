"""What every page has around it: the bar with the site, the pages and the language."""

# mypy: allow-untyped-calls
# (Panel and its Material components are not annotated)
from __future__ import annotations

from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui
from panel_material_ui.template.base import Page

from dashboards.context import Context
from dashboards.names import Names
from dashboards.texts import LANGS, choose_lang, in_language
from dashboards.theme import NAV_CSS, NO_LOGIN_CSS, PAGE_CSS, THEME
from dashboards.visitor import Visitor
from domain.access import MAKE_A_LIST
from domain.acts import Act

# each page, and what somebody has to be permitted to see it
PAGES = {"live": Act.WATCH, "search": Act.SEE_MASKED, "audit": Act.READ_AUDITS}


def page_names(context: Context) -> Names:
    """Names in the language of the page that is being opened."""
    asked = (pn.state.session_args.get("lang") or [b""])[0].decode(errors="replace")
    wish = str((pn.state.headers or {}).get("Accept-Language", ""))
    return Names(context.settings.site, choose_lang(asked, context.settings.lang, wish))


def page_visitor(context: Context) -> Visitor:
    """Who opened the page that is being drawn."""
    return context.door.visitor(pn.state.headers)


def first_page(context: Context) -> str:
    """The first page that the visitor may see; the live page, which says why not, where there is none."""
    visitor = page_visitor(context)
    return next((page for page, act in PAGES.items() if visitor.may(act)), "live")


def refused(page: str, names: Names, visitor: Visitor) -> Page | None:
    """What somebody sees who may not see a page; None: they may."""
    why_not = visitor.decide(PAGES[page]).why_not
    if why_not is None:
        return None
    said = pmui.Alert(in_language(why_not, names.lang), severity="warning", margin=24)
    return framed(page, names, [said], visitor)


def framed(page: str, names: Names, main: list[Any], visitor: Visitor) -> Page:
    """A page with its bar; everything it needs comes from this console."""
    title = names.say(f"page.{page}")
    return Page(
        title="forewarn",
        meta_title=f"{title} · {names.site_title or 'forewarn'}",
        dark_theme=True,
        theme_toggle=False,
        theme_config=THEME,
        busy_indicator=None,
        header=[_navigation(page, names, visitor)],
        main=main if visitor.is_listed else [_no_login(names), *main],
        raw_css=[PAGE_CSS],
        site_url=f"/live?lang={names.lang}",
    )


def _no_login(names: Names) -> pn.pane.HTML:
    said = escape(names.say("login.none", command=MAKE_A_LIST))
    return pn.pane.HTML(
        f'<p role="note" class="no-login">{said}</p>',
        stylesheets=[NO_LOGIN_CSS],
        sizing_mode="stretch_width",
        margin=0,
    )


def _leave(names: Names, visitor: Visitor) -> str:
    if not visitor.is_listed:
        return ""
    return (
        f'<form method="post" action="/logout"><span class="who">{escape(visitor.asker.name)}</span>'
        f'<button type="submit">{escape(names.say("login.leave"))}</button></form>'
    )


def _navigation(current: str, names: Names, visitor: Visitor) -> pn.pane.HTML:
    links = "".join(
        f'<a href="/{page}?lang={names.lang}"'
        f"{' aria-current=page' if page == current else ''}>"
        f"{escape(names.say(f'page.{page}'))}</a>"
        for page, act in PAGES.items()
        if visitor.may(act)
    )
    other = next(lang for lang in LANGS if lang != names.lang)
    hint = escape(names.say("page.other_language_hint"), quote=True)
    switch = (
        f'<a class="language" href="/{current}?lang={other}" hreflang="{other}" title="{hint}">'
        f"{escape(names.say('page.other_language'))}</a>"
    )
    return pn.pane.HTML(
        f'<nav aria-label="{escape(names.say("page.navigation"), quote=True)}">'
        f'<span class="site">{escape(names.site_title)}</span>{links}'
        f'<span class="gap"></span>{_leave(names, visitor)}{switch}</nav>',
        stylesheets=[NAV_CSS],
        sizing_mode="stretch_width",
        margin=0,
    )
