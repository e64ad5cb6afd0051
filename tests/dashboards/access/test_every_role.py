"""Ask for everything that the console has, as every role and as nobody; later work adds rows."""

# pages are imported where they are asked for: with Panel they take two seconds of each worker that only
# looks which tests there are

from __future__ import annotations

import asyncio
import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from console_people import ask
from kept_password import HASH
from listed_people import list_people
from staged_site import stage

from dashboards.access.file_tokens import FileTokens
from dashboards.access.request_guard import RequestGuard
from dashboards.access.visitor import Visitor
from dashboards.context import ConsoleContext
from dashboards.data import operator_commands
from dashboards.data.evidence_lookup import EvidenceLookup
from dashboards.data.operator_commands import ORDER
from dashboards.data.poller import Poller
from dashboards.display_names import DisplayNames
from dashboards.selections import SearchSelection
from dashboards.settings import ConsoleSettings
from domain.access.decisions import Asker
from domain.access.people import shipped_roles
from domain.access.people_file import PeopleFile
from domain.events.catalog import AlarmMoved, CommandGiven, EvidenceSealed
from domain.events.commands import CommandKind
from evidence_store.keys.signing_keys import KeyFolder
from evidence_store.vault.open_vault import open_vault

NOBODY = "nobody"
ROLES = frozenset(role.id for role in shipped_roles())
WATCHERS = frozenset({"operator", "reviewer", "officer"})
MASKED = ROLES - {"registrar"}
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": base64.b64encode(bytes(16)).decode(),
}


@dataclass
class Console:
    """The console on a real port; what its pages do is asked for in this process."""

    context: ConsoleContext
    staged: Any
    address: str
    sealed: EvidenceSealed
    open_offence_id: str
    alarm_id: str
    cookies: dict[str, str]
    visitors: dict[str, Visitor]
    server: Any

    @property
    def names(self) -> DisplayNames:
        return DisplayNames(self.context.settings.site, "en")

    def status(
        self, who: str, path: str, method: str = "GET", body: str = "", **headers: str
    ) -> int:
        sent = {"Cookie": self.cookies[who], **headers}
        return ask(self, path, method, body, **sent)[0].status


@pytest.fixture(scope="module")
def console(tmp_path_factory, sample_clip, sample_site_file) -> Iterator[Console]:
    with stage(tmp_path_factory.mktemp("roles") / "var", sample_clip, sample_site_file) as staged:
        list_people(staged.data)
        KeyFolder(staged.data.keys).create()
        staged.seal(staged.offence(2, "escalated", calls=3), "gate-early", "escalated", 10.0)
        open_offence_id = staged.offence(4, None, calls=2)
        (alarm_id,) = staged.open_alarms()
        (sealed,) = staged.log.read(types=[EvidenceSealed.event_type], limit=9)
        from dashboards.serve import _free_port

        settings, port = ConsoleSettings(staged.data, staged.site), _free_port("127.0.0.1", 0)
        guard = RequestGuard(PeopleFile(staged.data.people), settings.hosts(port), is_for_all=False)
        poller = Poller(settings)
        lookup = EvidenceLookup(settings)
        context = ConsoleContext(settings, poller, FileTokens(), lookup, guard)
        cookies, visitors = {NOBODY: ""}, {NOBODY: guard.visitor({})}
        for role in ROLES:
            known = Asker(f"Olga the {role}", f"the-{role}", "password", "", HASH)
            secret, session = guard.sessions.begin(known)
            cookies[role] = f"{guard.cookie}={secret}"
            visitors[role] = Visitor(guard.people_file, guard.sessions, session.handle)
        poller.start()
        deadline = time.monotonic() + 60
        while open_offence_id not in poller.snapshot.offences and time.monotonic() < deadline:
            time.sleep(0.05)
        with _served(context, port) as server:
            yield Console(
                *(context, staged, f"http://127.0.0.1:{port}", sealed.event.data),
                *(open_offence_id, alarm_id, cookies, visitors, server),
            )
        poller.stop()


@contextmanager
def _served(context: ConsoleContext, port: int) -> Iterator[Any]:
    """Serve all of the console, in a thread."""
    from dashboards.pages.login_page import LoginService
    from dashboards.serve import make_server

    logins = LoginService(context.guard, context.settings, lambda who: None)
    loop, made = asyncio.new_event_loop(), []

    async def start() -> None:
        vault = open_vault(context.settings.data)
        made.append(make_server(context, vault, logins, port))
        made[0].start()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start())
        is_up.set()
        loop.run_forever()

    is_up, thread = threading.Event(), threading.Thread(target=run, daemon=True)
    thread.start()
    assert is_up.wait(60)
    yield made[0]
    loop.call_soon_threadsafe(made[0].stop)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def _page(name: str) -> Callable[[Console, str], bool]:
    def open_it(console: Console, who: str) -> bool:
        from dashboards.pages.page_frame import refused

        return refused(name, console.names, console.visitors[who]) is None

    return open_it


def _answered(path: str, wanted: int = 200, **headers: str) -> Callable[[Console, str], bool]:
    return lambda console, who: console.status(who, path, **headers) == wanted


def _file(name: str, whose: str = "") -> Callable[[Console, str], bool]:
    """Fetch a file by the link that their own, or another person's page would hold."""

    def fetch(console: Console, who: str) -> bool:
        tokens = console.context.tokens.of_session(console.visitors[whose or who].handle)
        address = tokens.address(console.sealed.evidence_id, name, 60)
        return console.status(who, address) == 200

    return fetch


def _record(path: str = "") -> Callable[[Console, str], bool]:
    """Open the staged record's page, or what belongs to it."""
    return lambda console, who: (
        console.status(who, f"/record/{console.sealed.evidence_id}{path}") == 200
    )


def _record_act(act: str, **typed: str) -> Callable[[Console, str], bool]:
    """Send a form of the record's page, also where none is shown."""

    def send(console: Console, who: str) -> bool:
        path = f"/record/{console.sealed.evidence_id}/{act}"
        # 409: they may, but the staged record does not verify, or nothing is held
        return console.status(who, path, "POST", urlencode(typed)) in (200, 409)

    return send


def _command(kind: CommandKind) -> Callable[[Console, str], bool]:
    """Press the button and confirm, also where no button is shown."""

    def give(console: Console, who: str) -> bool:
        from dashboards.pages.operator_panel import OperatorPanel

        offence = console.context.poller.snapshot.offences[console.open_offence_id]
        panel = OperatorPanel(console.context, console.names, console.visitors[who])
        panel.offer(offence)
        before = _given(console, kind)
        asyncio.run(panel._open(kind, None))
        panel._who.value, panel._reason.value = "Somebody", "a reason"
        asyncio.run(panel._write(None))
        return _given(console, kind) > before

    return give


def _pause(console: Console, who: str) -> bool:
    """Open a dialog: the ladder waits meanwhile."""
    before = _given(console, CommandKind.PAUSE)
    _command(CommandKind.DISMISS)(console, who)
    return _given(console, CommandKind.PAUSE) > before


def _given(console: Console, kind: CommandKind) -> int:
    commands = console.staged.log.read(types=[CommandGiven.event_type], limit=1000)
    return sum(each.event.data.command is kind for each in commands)


def _answer(console: Console, who: str) -> bool:
    """Answer an alarm as the page's script asks for it, also where it shows no button."""
    from dashboards.pages.alarm_queue import AlarmQueue

    queue = AlarmQueue(console.context, console.names, console.visitors[who], lambda alarm: None)
    wish = {"alarm_id": console.alarm_id, "action": "acknowledge", "who": "Somebody"}
    before = console.staged.log.count_by_type().get(AlarmMoved.event_type, 0)
    answer = asyncio.run(
        queue.carry_out({**wish, "reason": "", "assigned_to": "", "seen_number": 1})
    )
    assert bool(answer["is_done"]) == (answer["row"] is not None) and answer["text"]
    after = console.staged.log.count_by_type().get(AlarmMoved.event_type, 0)
    assert answer["is_done"] == (after > before)
    return after > before


def _bell(console: Console, who: str) -> bool:
    from dashboards.pages.page_frame import bell_for

    return bool(bell_for(console.context, console.names, console.visitors[who]))


def _search(console: Console, who: str) -> bool:
    from dashboards.pages.search_page import SearchPage

    page = SearchPage(console.context, console.visitors[who])
    return console.sealed.evidence_id in asyncio.run(page._find(SearchSelection()))


def _unmasked(console: Console, who: str) -> bool:
    from dashboards.pages.unmasked_dialog import UnmaskedDialog

    dialog = UnmaskedDialog(console.context, console.names, console.visitors[who])
    dialog.offer(console.sealed)
    dialog._reason.value = "case 17"
    asyncio.run(dialog._log_and_play(None))
    return "key=" in str(dialog._player.object)


REASON = {"reason": "case 17"}
# what is asked for, how, and who gets it
EVERYTHING: list[tuple[str, Callable[[Console, str], bool], frozenset[str]]] = [
    ("page: live", _page("live"), WATCHERS),
    ("page: search", _page("search"), MASKED),
    ("page: audit", _page("audit"), frozenset({"reviewer", "auditor"})),
    ("action: search", _search, MASKED),
    ("action: unmasked clip", _unmasked, frozenset({"officer"})),
    *((f"action: {kind}", _command(kind), frozenset({"operator"})) for kind in ORDER),
    ("action: pause", _pause, frozenset({"operator"})),
    ("action: answer an alarm", _answer, frozenset({"operator"})),
    ("sound: of alarms, on any page", _bell, WATCHERS),
    ("page: record", _record(), MASKED),
    ("side: /record, what stands beside one", _record("/beside"), MASKED),
    ("side: /record.js", _answered("/record.js"), ROLES),
    ("side: /record.css", _answered("/record.css"), ROLES),
    ("action: verify a record", _record_act("verify"), MASKED),
    ("action: a record's originals", _record_act("unmasked", **REASON), frozenset({"officer"})),
    ("action: export a record", _record_act("export"), frozenset({"reviewer", "officer"})),
    (
        "action: export a record's originals",
        _record_act("export", unmasked="1", **REASON),
        frozenset({"officer"}),
    ),
    ("action: hold a record", _record_act("hold", owner="Wang", **REASON), frozenset({"keeper"})),
    ("action: let go of a record", _record_act("release", **REASON), frozenset({"keeper"})),
    ("link: masked picture", _file("first.masked.jpg"), MASKED),
    ("link: an officer's masked picture", _file("first.masked.jpg", "officer"), {"officer"}),
    ("link: an officer's clip", _file("clip.mp4", "officer"), frozenset({"officer"})),
    ("side: /evidence without a key", _answered("/evidence/evd-1/clip.mp4"), frozenset()),
    ("side: /wall", _answered("/wall", 101, **UPGRADE), WATCHERS),
    ("side: /health", _answered("/health"), ROLES | {NOBODY}),
    ("side: /logout by a link", _answered("/logout"), frozenset()),
    ("side: /login again", _answered("/login", 302), ROLES),
    ("side: /login", _answered("/login"), frozenset({NOBODY})),
    # opened, it gives nothing without the token of a page: test_console_sessions.py
    *(
        (f"side: {page}/ws", _answered(f"{page}/ws", 101, **UPGRADE), ROLES)
        for page in ("", "/live", "/search", "/audit")
    ),
    ("side: /static", _answered("/static/js/bokeh.min.js"), ROLES),
    ("side: /live/static", _answered("/live/static/js/bokeh.min.js"), ROLES),
    ("side: /search/static", _answered("/search/static/js/bokeh.min.js"), ROLES),
    ("side: /audit/static", _answered("/audit/static/js/bokeh.min.js"), ROLES),
    ("side: /static/extensions", _answered("/static/extensions/panel/panel.min.js"), ROLES),
    ("side: /components of no class", _answered("/components/os/path/__file__"), frozenset()),
    ("side: /favicon.ico", _answered("/favicon.ico"), ROLES),
]


@pytest.mark.parametrize(
    ("ask_for", "allowed"), [row[1:] for row in EVERYTHING], ids=[row[0] for row in EVERYTHING]
)
def test_everybody_gets_what_their_role_permits_and_nothing_else(
    console, ask_for, allowed, monkeypatch
):
    monkeypatch.setattr(operator_commands, "ANSWER_WAIT_S", 0.0)  # nobody watches here
    got = {who for who in (*sorted(ROLES), NOBODY) if ask_for(console, who)}
    assert got == set(allowed)


def test_a_link_to_a_record_leads_there_after_the_login(console):
    link = f"/record/{console.sealed.offence_id}?lang=zh"
    answer, _ = ask(console, link)
    assert (answer.status, answer.headers["Location"]) == (302, f"/login?next={quote(link)}")
    answer, _ = ask(console, answer.headers["Location"], Cookie=console.cookies["officer"])
    assert answer.headers["Location"] == link
    _, page = ask(console, link, Cookie=console.cookies["officer"])
    assert f'data-record="{console.sealed.evidence_id}"' in page.decode()


def test_an_offence_without_a_record_is_shown_on_the_live_page_to_who_may_watch(console):
    path = f"/record/{console.open_offence_id}?lang=en"
    answer, _ = ask(console, path, Cookie=console.cookies["operator"])
    live = f"/live?lang=en&offence={console.open_offence_id}"
    assert (answer.status, answer.headers["Location"]) == (302, live)
    answer, page = ask(console, path, Cookie=console.cookies["keeper"])
    assert answer.status == 404
    assert "has no sealed record yet" in page.decode()


def test_a_day_that_has_no_end_is_no_end_of_a_hold(console):
    path = f"/record/{console.sealed.evidence_id}/hold"
    typed = urlencode({"reason": "appeal 17", "owner": "Wang", "until": "9999-12-31"})
    assert console.status("keeper", path, "POST", typed) == 400


def test_a_record_whose_numbers_cannot_be_reckoned_with_is_called_damaged(console, monkeypatch):
    from dashboards.pages import record_page

    def draw(*_: object) -> str:
        raise OverflowError("date value out of range")

    monkeypatch.setattr(record_page, "record_page", draw)
    path = f"/record/{console.sealed.evidence_id}?lang=en"
    answer, page = ask(console, path, Cookie=console.cookies["officer"])
    assert answer.status == 500
    assert 'role="alert"' in page.decode()


def _addresses(router: Any) -> Iterator[str]:
    """Yield the beginnings of all addresses that a server answers, up to what may vary."""
    for rule in router.rules:
        if hasattr(rule.target, "rules"):
            yield from _addresses(rule.target)
        else:
            yield rule.matcher.regex.pattern.partition("(")[0].rstrip("$?/") or "/"


def test_every_address_that_the_server_knows_has_a_row(console):
    """Panel and Bokeh bring some of their own, and a newer version may bring more."""
    from dashboards.pages.page_frame import PAGES

    named = [row[0] for row in EVERYTHING]
    known = {*_addresses(console.server._tornado.default_router)} - {"/"}
    wanted = {f"side: {each}" for each in known - {f"/{page}" for page in PAGES}}
    wanted |= {f"page: {page}" for page in PAGES}
    assert {f"/{page}" for page in PAGES} < known
    assert sorted(each for each in wanted if not any(name.startswith(each) for name in named)) == []
