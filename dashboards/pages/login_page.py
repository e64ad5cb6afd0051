"""Log people in and out; of all pages, these are open to everybody who reaches the console."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import structlog
from tornado.web import HTTPError

from dashboards.access.login_throttle import LoginThrottle
from dashboards.access.origin import OwnPagesOnly
from dashboards.access.request_guard import RequestGuard, is_page
from dashboards.access.sessions import LASTS_S
from dashboards.html.rendering import render
from dashboards.settings import ConsoleSettings
from dashboards.texts import LANGS, Lang, choose_lang, in_language, text
from dashboards.theme import FONTS
from domain.access.decisions import log_in

log = structlog.get_logger()

CHECKED_AT_ONCE = 2  # each takes 32 MiB and 0.2 s of a core
MOST_WAITING = 20
LONGEST_FIELD = 256
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(slots=True)
class LoginService:
    """State that all logins of one console share."""

    guard: RequestGuard
    settings: ConsoleSettings
    on_wrong: Callable[[str], None]  # gets the name that was tried; runs in a thread
    throttle: LoginThrottle = field(default_factory=LoginThrottle)
    checking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CHECKED_AT_ONCE))
    waiting: int = 0


class _UsesLogins(OwnPagesOnly):
    def initialize(self, logins: LoginService) -> None:
        """Take what `routes` shares with each request."""
        self.logins, self.hosts = logins, logins.guard.hosts


class LoginHandler(_UsesLogins):
    """Asks for name and password, and opens a session."""

    def get(self) -> None:
        """Show the form; who is in already, or need not be, goes on."""
        guard = self.logins.guard
        if not guard.needs_login() or guard.session_of(self.request):
            self.redirect(self._next_page())
            return
        people = guard.people()
        if people is not None and not any(person.password for person in people.people):
            self._draw(self._say("login.nobody_can"))
            return
        self._draw()

    async def post(self) -> None:
        """Check a password; slowed down where wrong ones came."""
        logins, address = self.logins, self.request.remote_ip or ""
        who = self.get_body_argument("who", "").strip()[:LONGEST_FIELD]
        password = self.get_body_argument("password", "", strip=False)
        wait_s = logins.throttle.wait_s(who, address)
        if wait_s or logins.waiting >= MOST_WAITING:
            self.set_status(429)
            self.set_header("Retry-After", str(max(1, wait_s)))
            self._draw(self._say("login.wait", seconds=max(1, wait_s)), who)
            return
        # counted before it is known: many at once must not slip through
        logins.throttle.count_wrong(who, address)
        people = logins.guard.people()
        logins.waiting += 1
        try:
            async with logins.checking:
                asker = await asyncio.to_thread(log_in, people, who, password) if people else None
        finally:
            logins.waiting -= 1
        if asker is None:
            log.warning("login_failed", address=address)
            await asyncio.to_thread(logins.on_wrong, who)
            self.set_status(401)
            self._draw(self._say("login.wrong"), who)
            return
        logins.throttle.forgive(who, address)
        logins.guard.sessions.end(logins.guard.secret_of(self.request))
        secret, _ = logins.guard.sessions.begin(asker)
        log.info("logged_in", person_id=asker.person_id)
        self.set_cookie(
            logins.guard.cookie,
            secret,
            expires_days=None,  # max_age says it
            max_age=int(LASTS_S),
            httponly=True,
            samesite="Lax",  # a link in a message has to find its page
            secure=self.request.headers.get("X-Forwarded-Proto", self.request.protocol) == "https",
        )
        self.redirect(self._next_page(), status=303)

    def _next_page(self) -> str:
        """Return where they wanted to go: a page of this console and nothing else."""
        page = urlsplit(self.get_argument("next", "/"))
        if page.scheme or page.netloc or not is_page(page.path):
            return "/"
        return f"{page.path}?{page.query}" if page.query else page.path

    @property
    def _lang(self) -> Lang:
        asked = self.get_query_argument("lang", None)
        if asked is None:
            query = urlsplit(self.get_argument("next", "")).query
            asked = next((lang for lang in LANGS if f"lang={lang}" in query), None)
        preferred = self.request.headers.get("Accept-Language", "")
        return choose_lang(asked, self.logins.settings.lang, preferred)

    def _say(self, key: str, **values: object) -> str:
        return text(key, self._lang, **values)

    def _draw(self, fault: str = "", who: str = "") -> None:
        site, lang = self.logins.settings.site, self._lang
        other = "en" if lang == "zh" else "zh"
        next_page = self._next_page()
        self.set_header("Content-Security-Policy", POLICY)
        page = render(
            "login.html",
            lang=lang,
            say=self._say,
            site=in_language(site.site.title, lang) if site else "",
            fonts=FONTS,
            fault=fault,
            who=who,
            next_page=next_page,
            other=other,
            other_language=urlencode({"lang": other, "next": next_page}),
        )
        self.finish(page)


class LogoutHandler(_UsesLogins):
    """Ends a session; only by a form, or any picture on a page could do it."""

    def get(self) -> None:
        """Refuse, always, by HTTPError 405: following a link ends no session."""
        raise HTTPError(405)

    def post(self) -> None:
        """End the session, and show the login."""
        guard = self.logins.guard
        guard.sessions.end(guard.secret_of(self.request))
        self.clear_cookie(guard.cookie)
        self.redirect("/login", status=303)
