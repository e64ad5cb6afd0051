"""What every page has around it: the bar with the site, the pages and the language."""

# mypy: allow-untyped-calls
# (Panel and its Material components are not annotated)
from __future__ import annotations

from html import escape
from typing import Any

import panel as pn
from panel_material_ui.template.base import Page

from dashboards.context import Context
from dashboards.names import Names
from dashboards.texts import LANGS, choose_lang
from dashboards.theme import NAV_CSS, PAGE_CSS, THEME

PAGES = ("live", "search", "audit")


def page_names(context: Context) -> Names:
    """Names in the language of the page that is being opened."""
    asked = (pn.state.session_args.get("lang") or [b""])[0].decode(errors="replace")
    wish = str((pn.state.headers or {}).get("Accept-Language", ""))
    return Names(context.settings.site, choose_lang(asked, context.settings.lang, wish))


def framed(page: str, names: Names, main: list[Any]) -> Page:
    """A page with its bar; everything it needs comes from this console."""
    title = names.say(f"page.{page}")
    return Page(
        title="forewarn",
        meta_title=f"{title} · {names.site_title or 'forewarn'}",
        dark_theme=True,
        theme_toggle=False,
        theme_config=THEME,
        busy_indicator=None,
        header=[_navigation(page, names)],
        main=main,
        raw_css=[PAGE_CSS],
        site_url=f"/live?lang={names.lang}",
    )


def _navigation(current: str, names: Names) -> pn.pane.HTML:
    links = "".join(
        f'<a href="/{page}?lang={names.lang}"'
        f"{' aria-current=page' if page == current else ''}>"
        f"{escape(names.say(f'page.{page}'))}</a>"
        for page in PAGES
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
        f'<span class="gap"></span>{switch}</nav>',
        stylesheets=[NAV_CSS],
        sizing_mode="stretch_width",
        margin=0,
    )
