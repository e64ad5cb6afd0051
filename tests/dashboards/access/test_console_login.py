"""Logins: nothing is shown without one, and with one what the role permits."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import urllib.parse
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from console_people import PASSWORD, PEOPLE_ROLES, ask, cookie_of, log_in, write_people
from playwright.sync_api import Browser, Page, expect
from real_browser import guarded_page, open_page, unfold_past
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from domain.events.catalog import CommandGiven
from event_log.log import EventLog

PAGES = ("/", "/live", "/search", "/audit")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_leads_to_the_login_and_comes_back(closed_console, path):
    answer, body = ask(closed_console, f"{path}?lang=zh")
    assert (answer.status, body) == (302, b"")
    login = answer.headers["Location"]
    assert login.startswith("/login?next=")
    _, form = ask(closed_console, login)
    assert "密码".encode() in form
    entered, _ = log_in(closed_console, "olga", path=f"{path}?lang=zh")
    assert entered.headers["Location"] == f"{path}?lang=zh"


def _routes(console: Any) -> list[str]:
    evidence = next(console.staged.data.evidence.iterdir()).name
    own = ["/wall", f"/evidence/{evidence}/first.masked.jpg", f"/evidence/{evidence}/clip.mp4"]
    bokeh = [
        *("/live/ws", "/search/ws", "/audit/ws", "/ws", "/live/autoload.js", "/live/metadata"),
        *("/static/js/bokeh.min.js", "/static/extensions/panel/panel.min.js", "/favicon.ico"),
        *("/components/x/y", "/live/", "/live//", "//live", "/Live", "/liveness", "/nowhere"),
        *("/login/", "/login/../live", "/%6cive", "/live%2f..", "/health/../live/autoload.js"),
    ]
    return own + bokeh


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_no_route_gives_anything_to_who_is_not_logged_in(closed_console, method):
    for path in _routes(closed_console):
        for cookie in ("", "forewarn=x", "user=olga"):
            answer, body = ask(closed_console, path, method, Cookie=cookie)
            assert (path, answer.status, body) == (path, 403, b"")


def test_the_header_of_the_door_cannot_be_brought_along(closed_console):
    answer, _ = ask(closed_console, "/live", X_Forewarn_Visitor="x")
    assert answer.status == 302


def test_a_page_does_not_hold_the_secret_of_its_owncookie_of(closed_console):
    """Bokeh packs a request's headers into a token that stands in the page, in base64."""
    cookie = cookie_of(closed_console, "olga")
    _, body = ask(closed_console, "/live", Cookie=cookie)
    packed = max(re.findall(rb"[\w-]{100,}", body), key=len)
    token = base64.urlsafe_b64decode(packed + b"=" * (-len(packed) % 4))
    payload = json.loads(token)
    decoded = zlib.decompress(base64.urlsafe_b64decode(payload["__bk__zlib_"] + "==")).decode()
    assert "forewarn-visitor" in decoded.lower()
    assert cookie.partition("=")[2] not in decoded + body.decode()


@pytest.mark.parametrize("path", ["/wall", "/live/ws"])
def test_no_websocket_opens_to_who_is_not_logged_in(closed_console, path):
    async def connect() -> None:
        await websocket_connect(HTTPRequest(closed_console.address.replace("http", "ws") + path))

    with pytest.raises(HTTPClientError) as refused:
        asyncio.run(connect())
    assert refused.value.code == 403


def test_health_tells_others_only_that_it_answers(closed_console):
    answer, body = ask(closed_console, "/health")
    assert (answer.status, json.loads(body)) == (200, {"ok": True})
    _, more = ask(closed_console, "/health", Cookie=cookie_of(closed_console, "olga"))
    assert "gate-early" in json.loads(more)["cameras"]


def test_a_cookie_is_out_of_reach_of_scripts_and_other_sites(closed_console):
    answer, _ = log_in(closed_console, "olga")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    proxied = urllib.parse.urlencode({"who": "olga", "password": PASSWORD})
    answer, _ = ask(closed_console, "/login", "POST", proxied, X_Forwarded_Proto="https")
    assert "Secure" in answer.headers["Set-Cookie"]


def test_logging_in_leads_to_no_other_site(closed_console):
    for bad in ("http://evil.example/", "//evil.example/live", "/\\evil.example", "/nowhere"):
        answer, _ = log_in(closed_console, "olga", path=bad)
        assert answer.headers["Location"] == "/"
    _, form = ask(closed_console, '/login?next=/live?x="><script>')
    assert b"<script>" not in form


def test_another_sites_form_neither_logs_in_nor_out(closed_console):
    cookie = cookie_of(closed_console, "olga")
    body = urllib.parse.urlencode({"who": "olga", "password": PASSWORD})
    for path in ("/login", "/logout"):
        answer, _ = ask(
            closed_console, path, "POST", body, Cookie=cookie, Origin="http://evil.example"
        )
        assert answer.status == 403
    assert ask(closed_console, "/logout", Cookie=cookie)[0].status == 405
    assert ask(closed_console, "/live", Cookie=cookie)[0].status == 200


def test_leaving_ends_the_session_not_only_thecookie_of(closed_console):
    cookie = cookie_of(closed_console, "olga")
    assert ask(closed_console, "/live", Cookie=cookie)[0].status == 200
    assert ask(closed_console, "/logout", "POST", Cookie=cookie)[0].status == 303
    assert ask(closed_console, "/live", Cookie=cookie)[0].status == 302


def test_a_wrong_password_tells_nothing_and_many_have_to_wait(closed_console):
    wrong, page = log_in(closed_console, "felix2", "wrong password")
    assert wrong.status == 401
    assert "Set-Cookie" not in wrong.headers
    listed, other_page = log_in(closed_console, "ava", "wrong password")
    assert listed.status == 401
    assert page.replace(b"felix2", b"") == other_page.replace(b"ava", b"")
    refused = json.loads(closed_console.staged.data.custody.read_text().splitlines()[-1])
    assert (refused["kind"], refused["who"]) == ("refused", "Ava")
    for _ in range(4):
        assert log_in(closed_console, "felix2", "wrong password")[0].status == 401
    slowed, _ = log_in(closed_console, "felix2", "wrong password")
    assert slowed.status == 429
    assert int(slowed.headers["Retry-After"]) > 0
    assert log_in(closed_console, "ava")[0].status == 303


def test_who_is_removed_or_gets_another_password_is_out_at_once(closed_console):
    data = closed_console.staged.data
    cookie = cookie_of(closed_console, "olga")
    before = data.people.read_bytes()
    try:
        write_people(data, {name: role for name, role in PEOPLE_ROLES.items() if name != "olga"})
        assert ask(closed_console, "/live", Cookie=cookie)[0].status == 302
        data.people.write_text("people: nonsense")
        assert ask(closed_console, "/live", Cookie=cookie)[0].status == 302
        _, page = ask(closed_console, "/login?lang=en")
        assert b"cannot be used" in page
    finally:
        data.people.write_bytes(before)
    assert ask(closed_console, "/live", Cookie=cookie)[0].status == 200


# --- in a browser ---


@pytest.fixture
def visit(browser: Browser, closed_console: Any) -> Iterator[Any]:
    with guarded_page(browser, closed_console) as page:

        def enter(who: str, path: str = "/live?lang=en") -> Page:
            page.goto(closed_console.address + path)
            page.get_by_label("Name or id").fill(who)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Log in").click()
            page.wait_for_selector(".MuiAppBar-root")
            return page

        yield enter


def _open_past_row(page: Page, words: str) -> None:
    unfold_past(page)
    page.locator(".past tbody tr", has_text=words).first.click()


@pytest.mark.browser
def test_an_officer_sees_the_unmasked_clip_after_the_reason_was_logged(visit, closed_console):
    log = closed_console.staged.data.custody
    page = visit("felix")
    expect(page.locator("nav")).to_contain_text("Felix")
    # who has just logged in hears alarms, without a click on this page
    expect(page.locator(".bell")).to_have_attribute("data-sound", "on")
    expect(page.locator("nav a", has_text="Audit")).to_have_count(0)
    _open_past_row(page, "Escalated")
    expect(page.locator(".history")).to_contain_text("Call 3 of 3 due")
    page.get_by_role("button", name="Unmasked clip").click()
    page.get_by_role("button", name="Log it and play").click()
    expect(page.get_by_text("Please give the reason")).to_be_visible()
    assert not log.exists() or '"viewed"' not in log.read_text()
    page.get_by_label("Reason").fill("case 17, second review")
    page.get_by_role("button", name="Log it and play").click()
    video = page.locator("video")
    expect(video).to_have_count(1)
    entry = json.loads(log.read_text().splitlines()[-1])
    assert (entry["kind"], entry["who"]) == ("viewed", "Felix")
    assert entry["details"]["reason"] == "case 17, second review"
    authority = entry["details"]["authority"]
    assert (authority["person"], authority["role"], authority["proof"]) == (
        "felix",
        "officer",
        "password",
    )
    address = str(video.get_attribute("src"))
    part = page.request.get(closed_console.address + address, headers={"Range": "bytes=100-199"})
    assert part.status == 206
    assert part.body() == closed_console.staged.clip.read_bytes()[100:200]
    # the address opens nothing in another session, and nothing once its own has ended
    other = cookie_of(closed_console, "felix")
    assert ask(closed_console, address, Cookie=other)[0].status == 403
    assert ask(closed_console, address)[0].status == 403
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert page.request.get(closed_console.address + address).status == 403


@pytest.mark.browser
def test_an_operators_commands_bear_the_name_of_who_logged_in(visit, closed_console):
    offence = closed_console.staged.offence(70, None, calls=1)
    page = visit("olga")
    page.locator(f"tr[data-offence='{offence}']").click()
    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_label("Your name or staff number")).to_have_count(0)
    expect(page.locator(".history")).to_contain_text("Olga asked for “Take over”")
    with EventLog.open(closed_console.staged.data.events_db) as log:
        (given,) = log.read(types=[CommandGiven.event_type], limit=10)
    assert isinstance(given.event.data, CommandGiven)
    assert (given.event.data.operator, given.event.data.person) == ("Olga", "olga")
    _open_past_row(page, "Escalated")
    expect(page.locator(".history")).to_contain_text("Call 3 of 3 due")
    expect(page.get_by_role("button", name="Unmasked clip")).to_have_count(0)


@pytest.mark.browser
def test_a_role_sees_its_pages_only(visit, closed_console):
    page = visit("ava", "/?lang=en")
    expect(page.locator("nav a:not(.language)")).to_have_text(["Search", "Audit"])
    open_page(page, closed_console, "/live?lang=zh")
    expect(page.get_by_text("Ava（auditor）不能观看实时画面和事件")).to_be_visible()
    expect(page.locator("figure")).to_have_count(0)


@pytest.mark.browser
def test_a_page_that_is_open_ends_with_its_session(visit, closed_console):
    page = visit("felix")
    expect(page.locator("figure[data-camera=gate-early]")).to_have_attribute("data-status", "up")
    before = closed_console.staged.data.people.read_bytes()
    try:
        write_people(closed_console.staged.data, {"olga": "operator"})
        expect(page.get_by_label("Password")).to_be_visible()
    finally:
        closed_console.staged.data.people.write_bytes(before)
