"""The search page: pick a record, upload a picture or type words; see similar records."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import panel as pn
import panel_material_ui as pmui
import structlog
from panel_material_ui.template.base import Page

from dashboards.access.visitor import Visitor
from dashboards.context import ConsoleContext
from dashboards.data.evidence_lookup import NoModelServer, RecordGone
from dashboards.data.uploaded_picture import BadPicture
from dashboards.html.search_results import ADDRESS_TIME, address_of, found_cards, note, recent_cards
from dashboards.pages.page_frame import bell_for, framed, html_pane, named_in_address, page_names
from dashboards.pages.search_form import MAX_WORDS, SearchForm
from dashboards.selections import SearchSelection
from dashboards.texts import in_language
from dashboards.theme import SEARCH_CSS
from domain.access.permissions import Permission
from domain.errors import ForewarnError
from evidence_store.search.stored_table import TableDamaged

log = structlog.get_logger()


class SearchPage:
    """One open search page."""

    def __init__(self, context: ConsoleContext, visitor: Visitor) -> None:
        self._context, self._visitor = context, visitor
        self._names = page_names(context)
        self._asked = 0  # number of the newest question: late answers to older ones are dropped
        selection = _selection_of_address(self._names.timezone)
        self._form = SearchForm(self._names, selection, self._picked)
        self._results = html_pane(note(self._names.say("search.searching")), SEARCH_CSS)

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
            bell_for(self._context, names, self._visitor),
        )

    async def _load(self) -> None:
        await self._offer_records()
        await self._answer(self._form.selection)

    async def _picked(self, selection: SearchSelection) -> None:
        if pn.state.location is not None:
            pn.state.location.search = "?" + address_of(selection, self._names).partition("?")[2]
        await self._answer(selection)

    async def _offer_records(self) -> None:
        evidence = self._context.evidence
        if not self._visitor.may(Permission.SEE_MASKED):
            return
        try:
            records = await asyncio.to_thread(evidence.recent, SearchSelection())
        except (ForewarnError, OSError):
            return  # the answer below says why
        has_server = await asyncio.to_thread(evidence.model_server) is not None
        self._form.offer(records, has_server, await asyncio.to_thread(evidence.takes_words))

    async def _answer(self, selection: SearchSelection) -> None:
        self._asked += 1
        asked = self._asked
        if not selection.is_empty:
            self._results.object = note(self._names.say("search.searching"))
        drawn = await self._find(selection)
        if asked == self._asked:
            self._results.object = drawn

    async def _find(self, selection: SearchSelection) -> str:
        names, evidence = self._names, self._context.evidence
        tokens = self._context.tokens.of_session(self._visitor.handle)
        decision = self._visitor.decide(Permission.SEE_MASKED)
        if decision.why_not is not None:
            return note(in_language(decision.why_not, names.lang))
        log.info("searched", person_id=self._visitor.asker.person_id, **_loggable(selection))
        offences = self._context.poller.snapshot.offences
        try:
            if selection.is_empty:
                records = await asyncio.to_thread(evidence.recent, selection)
                return recent_cards(records, selection, names, tokens, offences)
            found = await asyncio.to_thread(evidence.similar, selection)
            return found_cards(found, selection, names, tokens, offences)
        except BadPicture as error:
            return note(error.message_in(names.lang))
        except NoModelServer:
            return note(
                names.say("search.words_no_server" if selection.text else "search.no_server")
            )
        except RecordGone:
            return note(names.say("search.record_gone", evidence=selection.evidence_id))
        except TableDamaged as error:
            return note(
                names.say("search.table_damaged", folder=error.folder, command=error.command)
            )
        except (ForewarnError, OSError) as error:
            key = "search.server_failed" if selection.upload is not None else "search.store_failed"
            key = "search.words_failed" if selection.text else key
            return note(names.say(key, reason=error))


def _loggable(selection: SearchSelection) -> dict[str, str]:
    """Describe the search for the log, without the picture or the words themselves."""
    kind = "upload" if selection.upload is not None else "words" if selection.text else "record"
    return {
        "kind": "none" if selection.is_empty else kind,
        "evidence_id": selection.evidence_id or "",
    }


def _selection_of_address(zone: ZoneInfo) -> SearchSelection:
    def asked(name: str) -> str | None:
        return named_in_address(name) or None

    def moment(name: str) -> datetime | None:
        try:
            return datetime.strptime(asked(name) or "", ADDRESS_TIME).replace(tzinfo=zone)
        except ValueError:
            return None

    selection = SearchSelection(
        evidence_id=asked("evidence"),
        text="" if asked("evidence") else (asked("text") or "")[:MAX_WORDS],
        camera_id=asked("camera"),
        rule_id=asked("rule"),
        outcome=asked("outcome"),
        from_at=moment("from"),
        to_at=moment("to"),
    )
    match asked("by"):
        case "embedding" | "appearance" | "both" as by:
            return replace(selection, by=by)
    return selection
