"""An operator's buttons in a real browser: nothing without a name, nothing twice, and who has what."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from real_browser import open_page, unfold_past

from domain.events.catalog import (
    ByHand,
    CommandGiven,
    Event,
    OffenceTakenOver,
    OffenceWarned,
    expect_event,
)
from domain.events.commands import CommandKind, Refusal, answer_id
from domain.events.refusals import refuse
from event_log.log import EventLog

pytestmark = pytest.mark.browser

NUMBERS = itertools.count(40)


def _commands(running_console) -> list[Event]:
    """Return what people asked for by a button; that the ladder waits for a dialog is asked by the page."""
    with EventLog.open(running_console.staged.data.events_db) as log:
        given = [each.event for each in log.read(types=[CommandGiven.event_type], limit=1000)]
    by_itself = (CommandKind.PAUSE, CommandKind.RESUME)
    return [
        each for each in given if expect_event(each, CommandGiven).data.command not in by_itself
    ]


def _button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name)


@pytest.fixture
def offence_id(running_console) -> str:
    """Stage an open offence of this test's own."""
    return running_console.staged.offence(next(NUMBERS), None, calls=1)


def _open_offence(page: Page, running_console, offence_id: str, lang: str = "en") -> None:
    open_page(page, running_console, f"/live?lang={lang}")
    page.locator(f"tr[data-offence='{offence_id}']").click()


def test_taking_over_needs_a_name_and_a_double_click_is_one_command(
    page, running_console, offence_id
):
    before = len(_commands(running_console))
    _open_offence(page, running_console, offence_id)
    _button(page, "Take over").click()
    confirm = _button(page, "Confirm, and put it on record")
    expect(confirm).to_be_disabled()
    page.get_by_role("textbox", name="Your name or staff number").press_sequentially("A. Li")
    expect(confirm).to_be_enabled()
    confirm.dblclick()
    expect(confirm).to_have_count(0)
    history = page.locator(".history")
    expect(history).to_contain_text("A. Li asked for “Take over”; waiting")
    (given,) = _commands(running_console)[before:]
    assert isinstance(given.data, CommandGiven)
    assert (given.data.command, given.data.offence_id, given.data.via) == (
        CommandKind.TAKE_OVER,
        offence_id,
        "console",
    )
    row = page.locator(f"tr[data-offence='{offence_id}']")
    _answer(running_console, given)
    expect(row).to_contain_text("Taken over")
    expect(row.locator("td.standing small.holder")).to_have_text("A. Li")
    expect(history).to_contain_text("Taken over by A. Li; goes back by itself at")
    expect(history).not_to_contain_text("“Take over”; waiting")
    expect(_button(page, "Hand back")).to_be_visible()


def _answer(running_console, given: Event) -> None:
    """Answer commands as the watch program does."""
    staged, data = running_console.staged, given.data
    with EventLog.open(staged.data.events_db) as log:
        moves = log.about(data.offence_id)
        warned = next(e.event for e in moves if isinstance(e.event.data, OffenceWarned))
        common = set(OffenceTakenOver.model_fields) & set(OffenceWarned.model_fields)
        taken = OffenceTakenOver(
            **{name: getattr(warned.data, name) for name in common - {"by_hand", "state"}},
            state="taken-over",
            by_hand=ByHand(
                command_id=given.id,
                command=data.command,
                operator=data.operator,
                reason=data.reason,
                asked_at=data.asked_at,
            ),
            hand_back_at=warned.time,
        )
        log.append([Event(answer_id(given.id), warned.source, warned.subject, warned.time, taken)])


def test_a_dismissal_cannot_be_confirmed_without_its_reason_and_a_refusal_is_told(
    page, running_console, offence_id
):
    before = len(_commands(running_console))
    _open_offence(page, running_console, offence_id)
    _button(page, "Dismiss").click()
    confirm = _button(page, "Confirm, and put it on record")
    page.get_by_role("textbox", name="Your name or staff number").press_sequentially("A. Li")
    expect(page.get_by_text("this cannot be undone")).to_be_visible()
    expect(confirm).to_be_disabled()
    page.get_by_label("Reason (needed)").press_sequentially("   ")
    expect(confirm).to_be_disabled()
    assert _commands(running_console)[before:] == []
    page.get_by_label("Reason (needed)").press_sequentially("the gardener")
    confirm.click()
    expect(page.locator(".history")).to_contain_text("“Dismiss”; waiting")
    (given,) = _commands(running_console)[before:]
    assert given.data.reason == "the gardener"
    with EventLog.open(running_console.staged.data.events_db) as log:
        log.append([refuse(given, Refusal.NOT_WATCHED, "gate-early")])
    expect(page.locator(".history")).to_contain_text(
        "A. Li asked for “Dismiss”; not done: camera or rule is not in the site file that runs"
    )


def test_the_buttons_speak_chinese_and_a_closed_offence_has_none(page, running_console, offence_id):
    _open_offence(page, running_console, offence_id, "zh")
    expect(_button(page, "立即喊话")).to_be_visible()
    _button(page, "立即喊话").click()
    expect(page.get_by_role("textbox", name="您的姓名或工号")).to_be_visible()
    expect(_button(page, "确认并记录")).to_be_disabled()
    _button(page, "取消").click()
    expect(_button(page, "确认并记录")).to_have_count(0)
    unfold_past(page)
    page.locator(".past tbody tr", has_text="已上报").first.click()
    expect(page.locator(".history")).to_contain_text("请派人到场核实")
    expect(_button(page, "立即喊话")).to_have_count(0)


def test_at_night_a_second_press_with_a_reason_has_it_spoken_all_the_same(
    page, running_console, offence_id
):
    before = len(_commands(running_console))
    _open_offence(page, running_console, offence_id)
    _button(page, "Speak now").click()
    page.get_by_role("textbox", name="Your name or staff number").press_sequentially("A. Li")
    _button(page, "Confirm, and put it on record").click()
    _until(lambda: len(_commands(running_console)) == before + 1)
    with EventLog.open(running_console.staged.data.events_db) as log:
        log.append([refuse(_commands(running_console)[-1], Refusal.QUIET_HOURS, "22:00-07:00")])
    expect(page.get_by_text("These are quiet hours: nothing was said.")).to_be_visible()
    despite = _button(page, "Speak despite quiet hours")
    expect(despite).to_be_disabled()
    page.get_by_label("Reason (needed)").press_sequentially("a child on the ice")
    despite.click()
    _until(lambda: len(_commands(running_console)) == before + 2)
    first, second = (each.data for each in _commands(running_console)[before:])
    assert (first.despite, first.reason) == ((), "")
    assert (second.despite, second.reason) == (("quiet-hours",), "a child on the ice")


def _until(holds: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
