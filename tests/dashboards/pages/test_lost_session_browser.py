"""A page whose session is gone begins anew; one whose console is only busy stays as it is."""

from __future__ import annotations

import os
import re
import signal
from contextlib import ExitStack

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect
from real_browser import guarded_page, open_page, unfold_past

pytestmark = [pytest.mark.slow, pytest.mark.browser]

LOST = "what stands below may be old"


def _read_a_history(page: Page, running_console) -> None:
    open_page(page, running_console, "/live?lang=en")
    unfold_past(page)
    page.locator(f"tr[data-offence='{running_console.escalated_id}']").click()
    expect(page.locator(".history h2")).to_contain_text("Escalated")
    page.evaluate("window.isTheSamePage = true")


def _expect_the_same_page(page: Page, running_console, number: int) -> None:
    expect(page.get_by_text(LOST)).to_have_count(0)
    new = running_console.staged.offence(number, None)  # the session goes on, and tells news
    expect(page.locator(f"tr[data-offence='{new}']")).to_be_visible()
    expect(page.locator(".history h2")).to_contain_text("Escalated")
    assert page.evaluate("window.isTheSamePage")


def test_a_console_that_stood_still_for_a_while_leaves_the_page_as_it_is(page, running_console):
    _read_a_history(page, running_console)
    os.kill(running_console.pid, signal.SIGSTOP)
    try:
        expect(page.get_by_text(LOST)).to_be_visible()
    finally:
        os.kill(running_console.pid, signal.SIGCONT)
    _expect_the_same_page(page, running_console, 11)


def test_a_session_that_speaks_late_keeps_its_page_though_the_console_answers(
    page, running_console
):
    held: list[str | bytes] | None = None

    def hold_back(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda m: socket.send(m) if held is None else held.append(m))
        sockets.append(socket)

    sockets: list[WebSocketRoute] = []
    page.route_web_socket(re.compile(r"/ws(\?|$)"), hold_back)
    _read_a_history(page, running_console)
    held = []
    with page.expect_response("**/health") as answer:
        expect(page.get_by_text(LOST)).to_be_visible()
    assert answer.value.ok
    late, held = held, None
    for message in late:
        sockets[-1].send(message)
    _expect_the_same_page(page, running_console, 12)


def test_a_page_begins_anew_once_its_console_was_started_again(browser, own_console):
    with ExitStack() as stack:
        with own_console(0) as first:
            page = stack.enter_context(guarded_page(browser, first))
            # the pictures' own socket would see the new console too, and load the page again
            page.route_web_socket(re.compile("/wall$"), lambda _: None)
            _read_a_history(page, first)
        expect(page.get_by_text(LOST)).to_be_visible()
        second = stack.enter_context(own_console(int(first.address.rpartition(":")[2])))
        page.wait_for_function("!window.isTheSamePage")
        expect(page.get_by_text(LOST)).to_have_count(0)
        _read_a_history(page, second)
