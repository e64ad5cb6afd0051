"""Logging in and out: the only pages that whoever reaches the console may see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import structlog
from tornado.template import Template
from tornado.web import HTTPError

from dashboards.attempts import Attempts
from dashboards.door import PAGE_PATHS, Door
from dashboards.origin import OwnPagesOnly
from dashboards.sessions import LASTS_S
from dashboards.settings import ConsoleSettings
from dashboards.texts import Lang, choose_lang, text
from dashboards.theme import FONTS
from domain.access import log_in

log = structlog.get_logger()

TEMPLATE = Path(__file__).with_name("login.html")
CHECKED_AT_ONCE = 2  # each takes 32 MiB and 0.2 s of a core
MOST_WAITING = 20
LONGEST_FIELD = 256
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'"


@dataclass(slots=True)
class LoginDesk:
    """What all logins of one console share."""

    door: Door
    settings: ConsoleSettings
    on_wrong: Callable[[str], None]  # told who was tried; runs in a thread
    attempts: Attempts = field(default_factory=Attempts)
    checking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CHECKED_AT_ONCE))
    waiting: int = 0


class Login(OwnPagesOnly):
    """Asks for name and password, and opens a session."""

    def initialize(self, desk: LoginDesk) -> None:  # type: ignore[override]
        """Take what the console's start hands to each request."""
        super().initialize(desk.door.hosts)
        self.desk = desk

    def get(self) -> None:
        """Show the form; who is in already, or need not be, goes on."""
        door = self.desk.door
        if not door.needs_login() or door.session_of(self.request):
            self.redirect(self._next_page())
            return
        people = door.people()
        if people is not None and not any(person.password for person in people.people):
            self._draw(self._say("login.nobody_can"))
            return
        self._draw()

    async def post(self) -> None:
        """Check a password; slowed down where wrong ones came."""
        desk, address = self.desk, self.request.remote_ip or ""
        who = self.get_body_argument("who", "").strip()[:LONGEST_FIELD]
        password = self.get_body_argument("password", "", strip=False)
        wait_s = desk.attempts.wait_s(who, address)
        if wait_s or desk.waiting >= MOST_WAITING:
            self.set_status(429)
            self.set_header("Retry-After", str(max(1, wait_s)))
            self._draw(self._say("login.wait", seconds=max(1, wait_s)), who)
            return
        # counted before it is known: many at once must not slip through
        desk.attempts.count_wrong(who, address)
        people = desk.door.people()
        desk.waiting += 1
        try:
            async with desk.checking:
                asker = await asyncio.to_thread(log_in, people, who, password) if people else None
        finally:
            desk.waiting -= 1
        if asker is None:
            log.warning("login_failed", address=address)
            await asyncio.to_thread(desk.on_wrong, who)
            self.set_status(401)
            self._draw(self._say("login.wrong"), who)
            return
        desk.attempts.forgive(who, address)
        desk.door.sessions.end(desk.door.secret_of(self.request))
        secret, _ = desk.door.sessions.begin(asker)
        log.info("logged_in", person_id=asker.person_id)
        self.set_cookie(
            desk.door.cookie,
            secret,
            expires_days=None,  # max_age says it
            max_age=int(LASTS_S),
            httponly=True,
            samesite="Lax",  # a link in a message has to find its page
            secure=self.request.headers.get("X-Forwarded-Proto", self.request.protocol) == "https",
        )
        self.redirect(self._next_page(), status=303)

    def _next_page(self) -> str:
        """Where they wanted to go: a page of this console and nothing else."""
        wanted = urlsplit(self.get_argument("next", "/"))
        if wanted.scheme or wanted.netloc or wanted.path not in PAGE_PATHS:
            return "/"
        return f"{wanted.path}?{wanted.query}" if wanted.query else wanted.path

    @property
    def _lang(self) -> Lang:
        asked = self.get_query_argument("lang", None)
        if asked is None:
            query = urlsplit(self.get_argument("next", "")).query
            asked = next((each for each in ("zh", "en") if f"lang={each}" in query), None)
        wish = self.request.headers.get("Accept-Language", "")
        return choose_lang(asked, self.desk.settings.lang, wish)

    def _say(self, key: str, **facts: object) -> str:
        return text(key, self._lang, **facts)

    def _draw(self, fault: str = "", who: str = "") -> None:
        site, lang = self.desk.settings.site, self._lang
        other = "en" if lang == "zh" else "zh"
        next_page = self._next_page()
        self.set_header("Content-Security-Policy", POLICY)
        page = Template(TEMPLATE.read_text(encoding="utf-8")).generate(
            lang=lang,
            say=self._say,
            site=(site.site.title.zh if lang == "zh" else site.site.title.en) if site else "",
            fonts=FONTS,
            fault=fault,
            who=who,
            next_page=next_page,
            other=other,
            other_language=urlencode({"lang": other, "next": next_page}),
        )
        self.finish(page)


class Logout(OwnPagesOnly):
    """Ends a session; only by a form, or any picture on a page could do it."""

    def initialize(self, desk: LoginDesk) -> None:  # type: ignore[override]
        """Take what the console's start hands to each request."""
        super().initialize(desk.door.hosts)
        self.desk = desk

    def get(self) -> None:
        """Nothing happens by looking. Raises HTTPError: always, 405."""
        raise HTTPError(405)

    def post(self) -> None:
        """End it, and show the way back in."""
        door = self.desk.door
        door.sessions.end(door.secret_of(self.request))
        self.clear_cookie(door.cookie)
        self.redirect("/login", status=303)
