"""A real browser for the console's pages; imported into conftest.py as fixtures."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Route, expect, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
expect.set_options(timeout=40_000)  # the first search loads LanceDB, which takes seconds


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium once a module; skip where there is none."""
    if CHROMIUM is None:
        pytest.skip("not tried: no Chromium on this machine (Debian, Ubuntu: apt install chromium)")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, running_console: Any) -> Iterator[Page]:
    """Open a page that aborts every request to another host, and fails the test for it."""
    with guarded_page(browser, running_console) as opened:
        yield opened


@contextmanager
def guarded_page(browser: Browser, running_console: Any) -> Iterator[Page]:
    """Open the same over a console that a test names."""
    context = browser.new_context(viewport={"width": 1500, "height": 950}, locale="en-GB")
    foreign: list[str] = []
    faults: list[str] = []

    def guard(route: Route) -> None:
        if route.request.url.startswith(running_console.address + "/"):
            route.continue_()
        else:
            foreign.append(route.request.url)
            route.abort()

    def note_fault(error: Error) -> None:
        faults.append(f"{error}\n{error.stack or ''}")

    def note_refusal(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            faults.append(message.text)

    context.route(re.compile("^(?!data:|blob:)"), guard)
    opened = context.new_page()
    opened.set_default_timeout(40_000)
    opened.on("pageerror", note_fault)
    opened.on("console", note_refusal)
    yield opened
    # what closing itself breaks off, a fetch under way, is no fault of the page; news up to here is
    opened.wait_for_timeout(0)
    opened.remove_listener("pageerror", note_fault)
    context.close()
    assert foreign == [], foreign
    assert faults == [], faults


def open_page(page: Page, running_console: Any, path: str) -> None:
    """Go to a page of the console and wait until it stands."""
    page.goto(running_console.address + path)
    page.wait_for_selector(".MuiAppBar-root")


def unfold_past(page: Page) -> None:
    """Unfold the live page's list of past offences."""
    page.locator("details.past > summary").click()
