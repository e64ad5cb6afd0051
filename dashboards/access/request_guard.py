"""Check every request to the console before any handler sees it.

Pages, scripts, websockets and files come from three libraries' handlers, some of which check nothing. So
the server's own router is wrapped: what is not admitted never reaches a handler.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import quote

import structlog
from tornado.httputil import HTTPServerRequest
from tornado.web import Application, RequestHandler

from dashboards.access.origin import is_allowed_host
from dashboards.access.page_sessions import chooses_a_session
from dashboards.access.safe_headers import SafeHeaders
from dashboards.access.sessions import Session, Sessions
from dashboards.access.visitor import Visitor, is_known
from domain.access.people import People
from domain.access.people_file import PeopleFile, PeopleFileError

log = structlog.get_logger()

# set by the guard alone: a page knows its session by the handle, never by the cookie's secret
VISITOR_HEADER = "X-Forewarn-Visitor"
OPEN_TO_ALL = frozenset({"/login", "/logout", "/health"})
PAGE_PATHS = frozenset({"/", "/live", "/search", "/audit"})
# a record's page, by its id or its offence's
RECORD_PAGE = re.compile(r"/record/[^/]+")
# its forms: the only ones beside the login's, and never Bokeh's
RECORD_ACTS = re.compile(r"/record/(evd-[0-9a-f]{16})/(verify|unmasked|export|hold|release)")


def is_page(path: str) -> bool:
    """Tell whether people open this address, and may be led there by the login."""
    return path in PAGE_PATHS or RECORD_PAGE.fullmatch(path) is not None


class RequestGuard:
    """Knows who is logged in, and admits requests; one for the whole console."""

    def __init__(self, people_file: PeopleFile, hosts: frozenset[str], *, is_for_all: bool) -> None:
        """Admit by a list of people, read anew when its file changes.

        `hosts` are the HOST:PORT names that the console goes by; `is_for_all`: it listens to other
        machines, and then nobody gets in without a list.
        """
        self.people_file, self.hosts = people_file, hosts
        self.sessions = Sessions()
        port = min(each for each in hosts if ":" in each).rpartition(":")[2]
        self.cookie = f"forewarn-{port}"  # browsers share cookies between ports
        self._is_for_all = is_for_all
        self._reported = ""

    def people(self) -> People | None:
        """Read who is listed now; a list that cannot be used is logged once, and lets nobody in."""
        try:
            people = self.people_file.people()
        except PeopleFileError as error:
            if str(error) != self._reported:
                log.error("people_file_unusable", reason=str(error))
            self._reported = str(error)
            return People(people=())
        self._reported = ""
        return people

    def needs_login(self) -> bool:
        """Tell whether one has to log in: not where only this machine is served and nobody is listed."""
        return self._is_for_all or self.people() is not None

    def secret_of(self, request: HTTPServerRequest) -> str:
        """Read the secret in the browser's cookie; "" where it has none."""
        try:
            cookies = SimpleCookie(request.headers.get("Cookie", ""))
        except CookieError:
            return ""
        return cookies[self.cookie].value if self.cookie in cookies else ""

    def session_of(self, request: HTTPServerRequest) -> Session | None:
        """Find the session of a request's cookie; None where there is none (any more)."""
        return self._if_known(self.sessions.of_secret(self.secret_of(request)))

    def is_over(self, handle: str) -> bool:
        """Tell whether a page of this session has to be closed."""
        session = self.sessions.of_handle(handle) if handle else None
        return self.needs_login() and self._if_known(session) is None

    def visitor(self, headers: Mapping[str, Any] | None) -> Visitor:
        """Return who is behind a request or a page that was admitted."""
        handle = str((headers or {}).get(VISITOR_HEADER, ""))
        return Visitor(self.people_file, self.sessions, handle)

    def protect(self, application: Application) -> None:
        """Check requests before any handler of a server gets them; see SafeHeaders for the answers."""
        find: Callable[..., Any] = application.find_handler

        def find_handler(request: HTTPServerRequest, **options: Any) -> Any:
            refusal = self._refusal(request)
            if refusal is None:
                return find(request, **options)
            return application.get_handler_delegate(request, RefusalHandler, refusal)

        application.find_handler = find_handler  # type: ignore[method-assign]
        application.add_transform(SafeHeaders)

    def _refusal(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Decide what to answer instead of a page; None: admit the request."""
        session = self.session_of(request)
        request.headers.pop(VISITOR_HEADER, None)
        if not is_allowed_host(request.host, self.hosts):
            return {"status": 403, "address": ""}
        if request.path in OPEN_TO_ALL:
            return None
        if not RECORD_ACTS.fullmatch(request.path) and chooses_a_session(request):
            return {"status": 403, "address": ""}
        if not self.needs_login():
            return None
        if session is None:
            if request.method in ("GET", "HEAD") and is_page(request.path):
                return {"status": 302, "address": f"/login?next={quote(request.uri or '/')}"}
            return {"status": 403, "address": ""}
        # Bokeh writes a request's headers and cookies into the page: not the cookie that logs one in
        request.headers.pop("Cookie", None)
        request.headers[VISITOR_HEADER] = session.handle
        return None

    def _if_known(self, session: Session | None) -> Session | None:
        if session is None:
            return None
        people = self.people()
        return session if people is not None and is_known(people, session.asker) else None


class RefusalHandler(RequestHandler):
    """Refuses a request, or sends the browser to the login."""

    def initialize(self, status: int, address: str) -> None:
        """Take what the guard decided."""
        self.status, self.address = status, address

    def prepare(self) -> None:
        """Answer, whatever was asked."""
        self.set_header("Cache-Control", "no-store")
        if self.address:
            self.redirect(self.address, status=self.status)
            return
        self.set_status(self.status)
        self.finish()
