"""Two people at one console: whatever one of them knows or sends, the other's page stays theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from bokeh.util.token import generate_jwt_token, get_session_id, get_token_payload
from console_people import PASSWORD, ask, cookie_of
from playwright.sync_api import Browser, Error, Page, expect
from real_browser import guarded_page

KNOWN_ID = "C" * 44  # of a session that no server made
# asks for a document as a page's own script does, and tells what came
PULL = """
([token]) => new Promise(done => {
  const socket = new WebSocket(location.origin.replace('http', 'ws') + '/live/ws', ['bokeh', token])
  const end = came => { socket.close(); done(came) }
  let got = ''
  socket.onclose = () => end('closed ' + got.length)
  socket.onmessage = message => {
    got += message.data
    if (got.includes('"ACK"') && !socket.asked) {
      socket.asked = true
      for (const part of ['{"msgid":"1","msgtype":"PULL-DOC-REQ"}', '{}', '{}']) socket.send(part)
    }
    if (got.includes('PULL-DOC-REPLY') && got.includes('roots')) end(got)
  }
})"""


def _token(body: bytes) -> str:
    """Read the token that a page's source holds for its own script."""
    found = re.search(rb'"token":"([^"]+)"', body)
    assert found is not None
    return found[1].decode()


def _self_made(headers: dict[str, str]) -> str:
    payload: dict[str, Any] = {"headers": headers, "cookies": {}, "arguments": {}}
    return generate_jwt_token("Z" * 44, signed=False, extra_payload=payload)  # type: ignore[arg-type]


def _follow(page: Page, link: str) -> None:
    """Go there, and give a page that comes the time to be made."""
    with suppress(Error):
        page.goto(link)
        page.wait_for_selector(".MuiAppBar-root")
        page.wait_for_selector("nav")


@pytest.fixture
def visit(browser: Browser, closed_console: Any) -> Iterator[Any]:
    """Log somebody in, in a browser of their own."""
    with ExitStack() as stack:

        def enter(who: str) -> Page:
            page = stack.enter_context(guarded_page(browser, closed_console))
            page.goto(closed_console.address + "/login?lang=en&next=/live?lang=en")
            page.get_by_label("Name or id").fill(who)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Log in").click()
            page.wait_for_selector(".MuiAppBar-root")
            return page

        yield enter


@pytest.mark.browser
def test_a_link_that_names_a_session_gives_nobody_anothers_page(visit, closed_console):
    link = f"{closed_console.address}/live?bokeh-session-id={KNOWN_ID}&lang=en"
    victim, attacker = visit("olga"), visit("felix")
    for page in (victim, attacker):
        _follow(page, link)
    expect(attacker.locator("nav", has_text="Olga")).to_have_count(0)
    for page in (victim, attacker):
        with pytest.raises(Error, match="ERR_HTTP_RESPONSE_CODE_FAILURE"):
            page.goto(link)


@pytest.mark.browser
def test_no_websocket_gives_the_page_of_whose_handle_or_token_one_holds(visit, closed_console):
    _, source = ask(closed_console, "/live", Cookie=cookie_of(closed_console, "felix"))
    token = _token(source)
    headers = get_token_payload(token)["headers"]
    handle = next(value for name, value in headers.items() if "visitor" in name.lower())
    page = visit("olga")
    assert "Olga" in page.evaluate(PULL, [_token(page.request.get(page.url).body())])
    for brought in (_self_made({"X-Forewarn-Visitor": handle}), token):
        assert page.evaluate(PULL, [brought]) == "closed 0"


@pytest.mark.parametrize("who", ["olga", "felix"])
def test_sessions_and_tokens_of_browsers_are_refused(closed_console, who):
    cookie = cookie_of(closed_console, who)
    _, source = ask(closed_console, "/live", Cookie=cookie_of(closed_console, "olga"))
    genuine = _token(source)
    for name, value in (
        ("bokeh-session-id", KNOWN_ID),
        ("bokeh-session-id", get_session_id(genuine)),
        ("bokeh-token", genuine),
        ("bokeh-token", _self_made({})),
    ):
        for path in ("/", "/live", "/search", "/audit"):
            argument = f"{name}={value}"
            assert ask(closed_console, f"{path}?{argument}", Cookie=cookie)[0].status == 403
            assert ask(closed_console, path, "GET", argument, Cookie=cookie)[0].status == 403
            sent = {"Cookie": cookie, "Bokeh_Session_Id": value}
            assert ask(closed_console, path, **sent)[0].status == 403
    assert ask(closed_console, "/live?lang=en", Cookie=cookie)[0].status == 200


def test_pages_of_a_console_without_logins_take_no_session_either(running_console):
    assert ask(running_console, f"/live?bokeh-session-id={KNOWN_ID}")[0].status == 403
    assert ask(running_console, "/live")[0].status == 200
