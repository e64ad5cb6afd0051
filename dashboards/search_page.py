"""The search page: pick a record or upload a picture, see what looks like it."""

# mypy: allow-untyped-calls
# (Panel and its Material components are not annotated)
from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import panel as pn
import panel_material_ui as pmui
import structlog
from panel_material_ui.template.base import Page

from dashboards.context import Context
from dashboards.evidence_lookup import NoModelServer, RecordGone
from dashboards.frame import framed, page_names, page_visitor, refused
from dashboards.picks import SearchPick
from dashboards.picture import BadPicture
from dashboards.search_form import MAX_WORDS, SearchForm
from dashboards.search_html import ADDRESS_TIME, address_of, found_cards, note, recent_cards
from dashboards.texts import in_language
from dashboards.theme import SEARCH_CSS
from dashboards.visitor import Visitor
from domain.acts import Act
from domain.errors import ForewarnError

log = structlog.get_logger()


class SearchPage:
    """One open search page."""

    def __init__(self, context: Context, visitor: Visitor) -> None:
        self._context, self._visitor = context, visitor
        self._names = page_names(context)
        self._asked = 0  # number of the newest question: late answers to older ones are dropped
        pick = _pick_of_address(self._names.timezone)
        self._form = SearchForm(self._names, pick, self._picked)
        self._results = pn.pane.HTML(
            note(self._names.say("search.searching")),
            stylesheets=[SEARCH_CSS],
            sizing_mode="stretch_width",
            margin=0,
        )

    def view(self) -> Page:
        """Build the page; what it shows is loaded once it stands."""
        names = self._names
        right = pmui.Column(
            pmui.Alert(
                names.say("search.meaning"),
                severity="info",
                variant="outlined",
                sizing_mode="stretch_width",
                margin=(0, 0, 12, 0),
            ),
            self._results,
            sizing_mode="stretch_width",
            margin=0,
        )
        body = pmui.Grid(
            pmui.Grid(self._form.view, size={"xs": 12, "md": 4, "lg": 3}),
            pmui.Grid(right, size={"xs": 12, "md": 8, "lg": 9}),
            container=True,
            spacing=2,
            sizing_mode="stretch_width",
        )
        pn.state.onload(self._load)
        return framed(
            "search",
            names,
            [pmui.Column(body, sizing_mode="stretch_width", margin=12)],
            self._visitor,
        )

    async def _load(self) -> None:
        await self._offer_records()
        await self._answer(self._form.pick)

    async def _picked(self, pick: SearchPick) -> None:
        if pn.state.location is not None:
            pn.state.location.search = "?" + address_of(pick, self._names).partition("?")[2]
        await self._answer(pick)

    async def _offer_records(self) -> None:
        evidence = self._context.evidence
        if not self._visitor.may(Act.SEE_MASKED):
            return
        try:
            records = await asyncio.to_thread(evidence.recent, SearchPick())
        except (ForewarnError, OSError):
            return  # the answer below says why
        has_server = await asyncio.to_thread(evidence.model_server) is not None
        self._form.offer(records, has_server, await asyncio.to_thread(evidence.takes_words))

    async def _answer(self, pick: SearchPick) -> None:
        self._asked += 1
        asked = self._asked
        if not pick.is_empty:
            self._results.object = note(self._names.say("search.searching"))
        drawn = await self._find(pick)
        if asked == self._asked:
            self._results.object = drawn

    async def _find(self, pick: SearchPick) -> str:
        names, evidence = self._names, self._context.evidence
        keys = self._context.keys.of_session(self._visitor.handle)
        decision = self._visitor.decide(Act.SEE_MASKED)
        if decision.why_not is not None:
            return note(in_language(decision.why_not, names.lang))
        log.info("searched", person_id=self._visitor.asker.person_id, **_told(pick))
        offences = self._context.poller.snapshot.offences
        try:
            if pick.is_empty:
                records = await asyncio.to_thread(evidence.recent, pick)
                return note(names.say("search.nothing_picked")) * bool(records) + recent_cards(
                    records, pick, names, keys, offences
                )
            found = await asyncio.to_thread(evidence.similar, pick)
            return found_cards(found, pick, names, keys, offences)
        except BadPicture as error:
            return note(error.said_in(names.lang))
        except NoModelServer:
            return note(names.say("search.words_no_server" if pick.text else "search.no_server"))
        except RecordGone:
            return note(names.say("search.record_gone", evidence=pick.evidence_id))
        except (ForewarnError, OSError) as error:
            key = "search.server_failed" if pick.upload is not None else "search.store_failed"
            key = "search.words_failed" if pick.text else key
            return note(names.say(key, reason=error))


def _told(pick: SearchPick) -> dict[str, str]:
    """What was looked for, without the picture or the words themselves."""
    kind = "upload" if pick.upload is not None else "words" if pick.text else "record"
    return {"kind": "none" if pick.is_empty else kind, "evidence_id": pick.evidence_id or ""}


def _pick_of_address(zone: ZoneInfo) -> SearchPick:
    def asked(name: str) -> str | None:
        value = (pn.state.session_args.get(name) or [b""])[0].decode(errors="replace")
        return value or None

    def moment(name: str) -> datetime | None:
        try:
            return datetime.strptime(asked(name) or "", ADDRESS_TIME).replace(tzinfo=zone)
        except ValueError:
            return None

    pick = SearchPick(
        evidence_id=asked("evidence"),
        text="" if asked("evidence") else (asked("text") or "")[:MAX_WORDS],
        camera_id=asked("camera"),
        rule_id=asked("rule"),
        outcome=asked("outcome"),
        from_at=moment("from"),
        to_at=moment("to"),
    )
    match asked("by"):
        case "embedding" | "both" as by:
            return replace(pick, by=by)
    return pick


def search_page(context: Context) -> Page:
    """A new search page for the browser that asks."""
    visitor = page_visitor(context)
    return refused("search", page_names(context), visitor) or SearchPage(context, visitor).view()
