"""The page of one record, and what stands beside it: plain pages, without a session of Panel's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from dashboards.access.origin import OwnPagesOnly
from dashboards.context import ConsoleContext
from dashboards.data.record_acts import RecordActs
from dashboards.data.record_lookup import RecordFault, RecordLookup
from dashboards.display_names import DisplayNames
from dashboards.html.record.page import bar_of, fault_page, record_page, records_beside
from dashboards.html.search_results import note
from dashboards.pages.page_frame import PAGES
from dashboards.texts import choose_lang, in_language
from dashboards.theme import HISTORY_CSS, NAV_CSS, NO_LOGIN_CSS, SEARCH_CSS
from domain.access.decisions import MAKE_A_LIST
from domain.access.permissions import Permission
from domain.errors import ForewarnError
from evidence_store.search.stored_table import TableDamaged

log = structlog.get_logger()

_HERE = Path(__file__).parent
# stricter than the other pages': no library's scripts run here
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STATUS = {"unknown": 404, "not_sealed": 404, "erased": 410, "erasing": 410, "damaged": 500}


@dataclass(frozen=True, slots=True)
class RecordService:
    """What all requests about records share."""

    context: ConsoleContext
    lookup: RecordLookup
    acts: RecordActs
    # checking and packing a record takes seconds of a core
    at_work: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))


class RecordRequest(OwnPagesOnly):
    """A request about one record, by somebody who may see masked evidence."""

    def initialize(self, service: RecordService) -> None:
        """Take what `routes` shares with each request."""
        context = service.context
        self.service, self.hosts = service, context.guard.hosts
        self.visitor = context.guard.visitor(self.request.headers)
        self.tokens = context.tokens.of_session(self.visitor.handle)
        asked = self.get_query_argument("lang", None)
        preferred = self.request.headers.get("Accept-Language", "")
        lang = choose_lang(asked, context.settings.lang, preferred)
        self.names = DisplayNames(context.settings.site, lang)

    def words_of(
        self, error: ForewarnError | OSError, otherwise: str = "search.store_failed"
    ) -> str:
        """Say in the reader's language what is in the way; `otherwise` is the text for what has none of its own."""
        names = self.names
        if isinstance(error, RecordFault):
            at = error.facts.get("at")
            told = {"at": names.date_and_clock(at)} if isinstance(at, datetime) else {}
            return names.say(f"record.{error.key}", **(error.facts | told))
        if isinstance(error, TableDamaged):
            return names.say("search.table_damaged", folder=error.folder, command=error.command)
        return names.say(otherwise, reason=error)


class RecordPageHandler(RecordRequest):
    """Shows one record, or says in a sentence why not."""

    async def get(self, wanted: str) -> None:
        """Draw the page; an offence's id leads to its record, or to where it can be watched."""
        self.set_header("Content-Security-Policy", POLICY)
        visitor, names = self.visitor, self.names
        person = visitor.asker.name if visitor.is_listed else None
        pages = [page for page, permission in PAGES.items() if visitor.may(permission)]
        bar = bar_of(names, wanted, pages, person, MAKE_A_LIST)
        why_not = visitor.decide(Permission.SEE_MASKED).why_not
        if why_not is not None:
            self.set_status(403)
            self.finish(fault_page(in_language(why_not, names.lang), names, bar))
            return
        try:
            stored = await asyncio.to_thread(self.service.lookup.open, wanted)
            may = {permission for permission in Permission if visitor.may(permission)}
            drawn = record_page(stored, names, self.tokens, may, bar)
        except RecordFault as error:
            if error.offence_id and visitor.may(Permission.WATCH):
                self.redirect(f"/live?lang={names.lang}&offence={error.offence_id}")
                return
            self.set_status(STATUS[error.key])
            self.finish(fault_page(self.words_of(error), names, bar))
            return
        except (ForewarnError, OSError) as error:
            self.set_status(503)
            self.finish(fault_page(self.words_of(error), names, bar))
            return
        # what was sealed is read as it lies there: numbers that somebody changed may hold anything
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            log.warning("record_not_shown", evidence_id=wanted, reason=repr(error))
            fault = RecordFault("damaged", evidence=wanted)
            self.set_status(STATUS[fault.key])
            self.finish(fault_page(self.words_of(fault), names, bar))
            return
        log.info("record_opened", person_id=visitor.asker.person_id, evidence_id=wanted)
        self.finish(drawn)


class RecordBesideHandler(RecordRequest):
    """Finds where one may go on to from a record; LanceDB takes seconds to load, so the page asks for it later."""

    async def get(self, evidence_id: str) -> None:
        """Draw links and cards, or a line that says why there are none."""
        why_not = self.visitor.decide(Permission.SEE_MASKED).why_not
        if why_not is not None:
            self.set_status(403)
            self.finish(note(in_language(why_not, self.names.lang)))
            return
        try:
            beside = await asyncio.to_thread(self.service.lookup.beside, evidence_id)
            self.finish(records_beside(beside, self.names, self.tokens))
        except (ForewarnError, OSError) as error:
            self.finish(note(self.words_of(error)))


class RecordAssetHandler(OwnPagesOnly):
    """Sends the script or the styles of these pages."""

    def initialize(self, hosts: frozenset[str], content: Callable[[], str], kind: str) -> None:
        """Take what `routes` shares with each request."""
        self.hosts, self.content, self.kind = hosts, content, kind

    def get(self) -> None:
        """Send it."""
        self.set_header("Content-Type", f"{self.kind}; charset=utf-8")
        self.finish(self.content())


def record_script() -> str:
    """Read the script of record pages."""
    return (_HERE / "record.js").read_text(encoding="utf-8")


def record_styles() -> str:
    """Gather the styles of record pages; what is their own stands last and wins."""
    own = (_HERE / "record.css").read_text(encoding="utf-8")
    return "\n".join([NAV_CSS, NO_LOGIN_CSS, HISTORY_CSS, SEARCH_CSS, own])


def record_routes(service: RecordService) -> list[tuple[str, Any, dict[str, Any]]]:
    """List the addresses of record pages that only show something."""
    hosts, shared = service.context.guard.hosts, {"service": service}
    script: dict[str, Any] = {"content": record_script, "kind": "text/javascript"}
    styles: dict[str, Any] = {"content": record_styles, "kind": "text/css"}
    return [
        ("/record.js", RecordAssetHandler, {"hosts": hosts, **script}),
        ("/record.css", RecordAssetHandler, {"hosts": hosts, **styles}),
        (r"/record/([^/]+)", RecordPageHandler, shared),
        (r"/record/(evd-[0-9a-f]{16})/beside", RecordBesideHandler, shared),
    ]
