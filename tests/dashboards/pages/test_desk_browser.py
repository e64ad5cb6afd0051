"""The desk in a real browser: an escalation is heard, stands on top, is answered by keys, and settled."""

from __future__ import annotations

import itertools

import pytest
from playwright.sync_api import Locator, Page, expect
from real_browser import open_page

from casework.alarms.desk import AlarmActor, AlarmDesk
from casework.alarms.moves import AlarmAction
from casework.alarms.policy import AlarmPolicy
from domain.cameras.steady_clock import SteadyClock
from domain.events.catalog import AlarmMoved

pytestmark = pytest.mark.browser

# one console serves all tests here, in any order
NUMBERS = itertools.count(20)
WORDS = {
    "en": {
        "sound": "Sound is on",
        "states": ("not answered", "acknowledged", "assigned", "settled"),
        "send": "Send",
        "who": "Who answers",
        "whom": "Another name",
        "none": "Nobody is needed anywhere",
        "told": "A. Li: acknowledge",
    },
    "zh": {
        "sound": "声音已开",
        "states": ("待确认", "已确认", "已指派", "已处理"),
        "send": "派人",
        "who": "处理人",
        "whom": "其他人的姓名",
        "none": "没有需要人处理的报警",
        "told": "A. Li：确认",
    },
}


def _desk(running_console) -> AlarmDesk:
    return AlarmDesk(running_console.staged.log, AlarmPolicy("campus"), SteadyClock())


@pytest.fixture
def quiet(running_console):
    """Close what other tests, and the staged past, left open."""
    desk, who = _desk(running_console), AlarmActor("a test", "command line")
    running_console.staged.open_alarms()
    with running_console.staged.log.reading("see what is open") as connection:
        query = "SELECT alarm_id, state FROM alarms WHERE is_open"
        left = connection.exec_driver_sql(query).all()
    for alarm_id, state in left:
        if state == "new" or state == "acknowledged":
            desk.move(alarm_id, AlarmAction.FALSE_ALARM, who, reason="a test")
        desk.move(alarm_id, AlarmAction.CLOSE, who)


def _alarm(page: Page, alarm_id: str) -> Locator:
    return page.locator(f"li[data-alarm='{alarm_id}']")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_escalation_is_heard_answered_by_keys_and_settled(page, running_console, quiet, lang):
    staged, words = running_console.staged, WORDS[lang]
    new, acknowledged, assigned, settled = words["states"]
    open_page(page, running_console, f"/live?lang={lang}")
    expect(page.get_by_text(words["none"])).to_be_visible()
    expect(page).to_have_title("forewarn")
    bell = page.locator(".bell")
    page.locator("h2").first.click()
    expect(bell).to_contain_text(words["sound"])

    offence_id = staged.offence(next(NUMBERS), "escalated", calls=3)
    (alarm_id,) = staged.open_alarms()
    alarm = _alarm(page, alarm_id)
    expect(alarm).to_contain_text(new)
    expect(alarm).to_be_in_viewport()
    expect(bell).to_have_attribute("data-sounded", "1")
    expect(page).to_have_title("(1) forewarn")
    # it is picked by itself: its camera is marked, and its history stands there
    expect(page.locator("figure[data-camera=gate-early]")).to_have_attribute("data-picked", "")
    expect(page.locator(".history li").first).to_be_visible()
    page.get_by_label(words["who"]).fill("A. Li")
    page.locator("h2").first.click()

    page.keyboard.press("1")
    expect(alarm).to_contain_text(acknowledged)
    expect(alarm).to_contain_text("A. Li")
    expect(page).to_have_title("forewarn")
    expect(page.locator(".history")).to_contain_text(words["told"])
    page.keyboard.press("2")
    page.get_by_label(words["whom"]).fill("patrol 3")
    page.keyboard.press("Enter")
    expect(alarm).to_contain_text(assigned)
    expect(alarm).to_contain_text("patrol 3")
    page.keyboard.press("4")
    page.keyboard.press("1")
    expect(alarm).to_contain_text(settled)
    expect(page.locator(".bar button").first).to_be_enabled()
    page.keyboard.press("1")
    expect(alarm).to_have_count(0)
    expect(page.get_by_text(words["none"])).to_be_visible()
    did = [e.event.data for e in staged.log.about(alarm_id) if isinstance(e.event.data, AlarmMoved)]
    assert [(each.action, each.by, each.assigned_to) for each in did] == [
        ("acknowledge", "A. Li", "A. Li"),
        *((action, "A. Li", "patrol 3") for action in ("assign", "settled", "close")),
    ]
    assert offence_id == did[0].offence_id


def test_rows_and_tiles_pick_each_other_and_what_needs_a_person_goes_first(
    page, running_console, quiet
):
    staged = running_console.staged
    before = staged.offence(next(NUMBERS), None, camera_id="gate-late")
    open_page(page, running_console, "/live?lang=en")
    late = page.locator("figure[data-camera=gate-late]")
    late.locator(".picture").click()
    row = page.locator(f"tr[data-offence='{before}']")
    expect(row).to_have_attribute("aria-selected", "true")
    expect(late).to_have_attribute("data-picked", "")
    staged.offence(next(NUMBERS), "escalated", calls=3, camera_id="gate-late")
    (alarm_id,) = staged.open_alarms()
    alarm = _alarm(page, alarm_id)
    expect(alarm).to_have_attribute("aria-selected", "false")  # what somebody chose stays chosen
    late.locator(".picture").click()
    expect(alarm).to_have_attribute("aria-selected", "true")
    expect(row).to_have_attribute("aria-selected", "false")
    expect(page.locator(".history h2")).to_contain_text("Escalated")


def test_a_move_is_refused_in_one_sentence_and_its_question_closes(page, running_console, quiet):
    staged = running_console.staged
    staged.offence(next(NUMBERS), "escalated", calls=3)
    (alarm_id,) = staged.open_alarms()
    open_page(page, running_console, "/live?lang=en")
    alarm = _alarm(page, alarm_id)
    alarm.click()
    page.keyboard.press("5")
    question = page.get_by_text("Why is it a false alarm?")
    expect(question).to_be_visible()
    page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    page.keyboard.press("1")
    expect(page.locator(".told")).to_have_text("First say who answers: a name or staff number.")
    page.get_by_label("Who answers").fill("A. Li")
    alarm.click()
    page.keyboard.press("2")
    page.get_by_label("Another name").fill("patrol \u200b3")  # looks like another's name
    page.keyboard.press("Enter")
    told = "Not done: a name has at most 80 printable characters"
    expect(page.locator(".told")).to_have_text(told)
    expect(page.get_by_label("Another name")).to_have_count(0)
    expect(alarm).to_contain_text("not answered")
