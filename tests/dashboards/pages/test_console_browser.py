"""The pages in a real browser: what an operator sees, and that nothing comes from elsewhere."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys

import cv2
import pytest
from playwright.sync_api import Page, expect
from real_browser import open_page, unfold_past

pytestmark = [pytest.mark.slow, pytest.mark.browser]

# reads the pixel of a tile's canvas that is named by fractions of its width and height
PIXEL = """(canvas, [x, y]) => Array.from(canvas.getContext("2d").getImageData(
    Math.round(x * canvas.width), Math.round(y * canvas.height), 1, 1).data)"""


# one console serves all tests here, in any order: who adds an offence takes the next numbers
NUMBERS = itertools.count(10)


def _row(page: Page, offence_id: str):
    return page.locator(f"tr[data-offence='{offence_id}']")


def test_the_root_is_the_live_page_and_shows_a_tile_for_each_camera(page, running_console):
    reason = "gate-late: no picture for 10 s; is it on?"
    running_console.staged.show("gate-late", 50.0, (), "failed", reason)
    open_page(page, running_console, "/?lang=en")
    live = page.locator("figure[data-camera=gate-early]")
    expect(live).to_have_attribute("data-status", "up")
    expect(live.locator(".title")).to_have_text("Crossing camera, first stretch")
    expect(live.locator("canvas")).to_have_attribute("aria-label", re.compile("2 people"))
    failed = page.locator("figure[data-camera=gate-late]")
    expect(failed).to_have_attribute("data-status", "failed")
    expect(failed.locator(".note")).to_have_text(reason)


def test_a_tile_is_the_cameras_picture_with_the_boxes_on_it(page, running_console):
    open_page(page, running_console, "/live?lang=en")
    live = page.locator("figure[data-camera=gate-early]")
    expect(live).to_have_attribute("data-status", "up")
    canvas = live.locator("canvas")
    jpeg = cv2.imread(str(running_console.staged.data.live / "gate-early.jpg"))
    height, width = jpeg.shape[:2]
    lawn = (0.2, 0.85)
    wanted = jpeg[int(lawn[1] * height), int(lawn[0] * width)][::-1]
    page.wait_for_function(
        "canvas => canvas.getContext('2d').getImageData(canvas.width * 0.2, "
        "canvas.height * 0.85, 1, 1).data[3] > 0",
        arg=canvas.element_handle(),
    )
    shown = canvas.evaluate(PIXEL, list(lawn))[:3]
    assert max(abs(int(a) - int(b)) for a, b in zip(shown, wanted, strict=True)) < 40
    # the left edge of the warned person's box: (348 .. 383, 199 .. 275) of 768 x 576
    edge = canvas.evaluate(PIXEL, [348 / 768, 250 / 576])[:3]
    assert edge[0] > 200
    assert edge[2] < 120


def test_open_offences_stand_newest_first_and_go_to_the_past_ones_when_they_end(
    page, running_console
):
    staged = running_console.staged
    before = staged.offence(next(NUMBERS), None, calls=2)
    open_page(page, running_console, "/live?lang=en")
    first = page.locator("tbody tr").first
    expect(first).to_have_attribute("data-offence", before)
    expect(first).to_contain_text("Warned")
    number = next(NUMBERS)
    new = staged.offence(number, None, calls=1, camera_id="gate-late")
    expect(first).to_have_attribute("data-offence", new)
    expect(first).to_contain_text("second stretch")
    expect(first).to_contain_text("1/3 as files")
    expect(page.locator("tbody tr").nth(1)).to_have_attribute("data-offence", before)
    staged.offence(number, "complied", calls=2, camera_id="gate-late")
    expect(first).to_have_attribute("data-offence", before)
    past = page.locator(".past tbody tr").first
    expect(past).to_have_attribute("data-offence", new)
    expect(past).to_be_hidden()
    unfold_past(page)
    expect(past).to_contain_text("Complied")
    expect(past).to_contain_text("2/3")
    expect(_row(page, new)).to_have_count(1)


def test_a_row_tells_its_history_with_masked_pictures_and_no_clip(page, running_console):
    open_page(page, running_console, "/live?lang=en")
    unfold_past(page)
    _row(page, running_console.escalated_id).click()
    history = page.locator(".history")
    expect(history).to_contain_text("Call 3 of 3 due")
    expect(history).to_contain_text("您好，前场请勿停留")
    expect(history).to_contain_text("Call 3 was not spoken, too late: due 9 s ago")
    pictures = history.locator("svg image")
    expect(pictures).to_have_count(2)
    expect(history.locator("svg rect")).to_have_count(2)  # the subject is marked
    for picture in pictures.all():
        source = str(picture.get_attribute("href"))
        assert "masked" in source
        assert page.request.get(running_console.address + source).body()[:2] == b"\xff\xd8"
    expect(page.locator("video")).to_have_count(0)


def test_without_a_login_nothing_unmasked_is_shown_and_the_page_says_so(page, running_console):
    open_page(page, running_console, "/live?lang=en")
    unfold_past(page)
    _row(page, running_console.escalated_id).click()
    expect(page.locator(".history")).to_contain_text("Call 3 of 3 due")
    expect(page.get_by_role("button", name="Unmasked clip")).to_have_count(0)
    expect(page.get_by_role("note")).to_contain_text("forewarn people add")


def test_a_live_camera_that_falls_silent_is_marked_as_stale(page, running_console):
    open_page(page, running_console, "/live?lang=en")
    tile = page.locator("figure[data-camera=gate-late]")
    view = running_console.staged.show("gate-late", 50.0, (), "up")
    silence = running_console.staged.keep_alive(view)
    expect(tile).to_have_attribute("data-status", "up")
    silence.set()
    expect(tile).to_have_attribute("data-status", "stale")
    expect(tile.locator(".note")).to_contain_text("No new picture since")
    failed = view.model_copy(update={"status": "failed", "reason": "gate-late: gone"})
    failed.write(running_console.staged.data.live)
    expect(tile.locator(".note")).to_have_text("gate-late: gone")


def test_the_language_switch_changes_every_word(page, running_console):
    open_page(page, running_console, "/live?lang=en")
    expect(page.locator("nav")).to_contain_text("Live")
    page.locator("a.language").click()
    expect(page.locator("nav")).to_contain_text("实时")
    expect(page.locator(".kpis")).to_contain_text("当前未结")
    expect(page.locator("thead").first).to_contain_text("状态")
    row = _row(page, running_console.escalated_id)
    expect(row).to_contain_text("已上报")
    expect(row).to_contain_text("请勿在前场停留")
    expect(page.locator("figure[data-camera=gate-early] .title")).to_have_text("路口相机（前段）")
    page.wait_for_function("document.documentElement.lang === 'zh-CN'")


def test_a_page_without_a_wish_speaks_the_browsers_language(browser, running_console):
    context = browser.new_context(locale="zh-CN")
    opened = context.new_page()
    open_page(opened, running_console, "/live")
    expect(opened.locator("nav")).to_contain_text("实时")
    context.close()


def _tab_to_the_pictures(page, running_console) -> set[str]:
    """List what the Tab key reaches on a newly opened page, up to the first camera."""
    open_page(page, running_console, "/live?lang=en")
    expect(page.locator("tbody tr").first).to_be_visible()
    expect(page.locator("nav")).to_contain_text("中文")
    expect(page.locator("figure[data-camera=gate-early]")).to_be_visible()
    page.locator("body").evaluate("element => element.focus()")  # parts that came late took it
    reached: list[str] = []
    while len(reached) < 40 and not (reached and reached[-1].startswith("FIGURE:")):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(_FOCUSED))
    return set(reached)


def test_the_live_page_can_be_used_from_the_keyboard(page, running_console):
    lower, upper = (running_console.staged.offence(next(NUMBERS), None) for _ in range(2))
    wanted = {"A:Search", "A:中文", f"TR:{upper}", "FIGURE:gate-early"}
    reached = _tab_to_the_pictures(page, running_console)
    for _ in range(4):
        if wanted <= reached:
            break
        # on a busy machine the bar is still drawn while the Tab key passes it
        reached = _tab_to_the_pictures(page, running_console)
    assert wanted <= reached
    _row(page, upper).focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate(_FOCUSED) == f"TR:{lower}"
    above = running_console.staged.offence(next(NUMBERS), None, calls=1)
    expect(_row(page, above)).to_have_count(1)
    assert page.evaluate(_FOCUSED) == f"TR:{lower}"
    page.keyboard.press("Enter")
    expect(page.locator(".history h2")).to_contain_text("Warned")


_FOCUSED = """() => {
  let at = document.activeElement;
  while (at.shadowRoot && at.shadowRoot.activeElement) at = at.shadowRoot.activeElement;
  return `${at.tagName}:${at.dataset.camera ?? at.dataset.offence ?? at.textContent.trim()}`;
}"""


def test_what_is_being_read_stays_in_place_when_newer_rows_come(page, running_console):
    last = ""
    for _ in range(12):
        last = running_console.staged.offence(next(NUMBERS), "complied")
    open_page(page, running_console, "/live?lang=en")
    # the console takes the new rows up within its next look at the log
    expect(_row(page, last)).to_have_count(1)
    unfold_past(page)
    read = _row(page, running_console.escalated_id)
    read.scroll_into_view_if_needed()
    # within its table: what is told of cameras above may grow by a line
    below_top = (
        "row => row.getBoundingClientRect().y - row.closest('.scroller').getBoundingClientRect().y"
    )
    before = read.evaluate(below_top)
    for end in (None, "complied"):
        above = running_console.staged.offence(next(NUMBERS), end)
        expect(_row(page, above)).to_have_count(1)
    assert abs(read.evaluate(below_top) - before) < 2  # a row is 88 pixels high


def test_search_finds_the_record_that_looks_most_alike(page, running_console):
    open_page(page, running_console, "/search?lang=en")
    cards = page.locator(".card")
    expect(cards).to_have_count(3)
    expect(page.get_by_text("It is not an identity")).to_be_visible()
    first_stretch = page.locator(".card", has_text="first stretch").filter(has_text="Complied")
    first_stretch.get_by_role("link", name="Search with this").click()
    expect(page.locator("h2", has_text="2 found")).to_be_visible()
    best = page.locator(".card", has_text="Similarity").first
    expect(best).to_contain_text("Escalated")  # of the same camera; the third is of the other
    assert "masked" in str(best.locator("svg image").get_attribute("href"))
    picked = page.get_by_role("combobox", name="Pick an evidence record")
    expect(picked).to_contain_text("Crossing camera, first stretch")


def test_search_filters_by_outcome_and_keeps_that_in_the_address(page, running_console):
    open_page(page, running_console, "/search?lang=en")
    expect(page.locator(".card")).to_have_count(3)
    page.get_by_label("Outcome").click()
    page.get_by_role("menuitem", name="Escalated").click()
    expect(page.locator(".card")).to_have_count(1)
    page.wait_for_function("location.search.includes('outcome=escalated')")
    page.reload()
    expect(page.locator(".card")).to_have_count(1)


def test_search_by_both_vectors_and_by_time_is_kept_in_the_address(page, running_console):
    open_page(page, running_console, "/search?lang=en&from=2000-01-01T08:30")
    expect(page.locator(".card")).to_have_count(3)
    expect(page.get_by_text("Ended from").first).to_be_visible()
    expect(page.get_by_text("Or say in words").first).not_to_be_visible()  # no pair
    page.locator(".card").first.get_by_role("link", name="Search with this").click()
    page.wait_for_function("location.search.includes('evidence=')")
    page.get_by_role("button", name="Both").click()
    page.wait_for_function("location.search.includes('by=both')")
    assert "from=2000-01-01T08%3A30" in page.url
    expect(page.locator(".how")).to_contain_text("3 records that fit were compared")
    open_page(page, running_console, "/search?lang=en&to=2000-01-01T08:30")
    expect(page.locator(".card")).to_have_count(0)


def test_search_takes_an_uploaded_picture_without_a_model_server(page, running_console):
    open_page(page, running_console, "/search?lang=en")
    expect(page.locator(".card")).to_have_count(3)
    picture = (running_console.staged.data.live / "gate-early.jpg").read_bytes()
    upload = page.locator("input[type=file]")
    upload.set_input_files([{"name": "who.jpg", "mimeType": "image/jpeg", "buffer": picture}])
    expect(page.locator("h2", has_text="3 found")).to_be_visible()
    page.get_by_role("button", name="Whole look").click()
    expect(page.locator(".empty")).to_contain_text("No model server can be reached")


def test_search_says_what_is_wrong_with_an_upload(page, running_console):
    open_page(page, running_console, "/search?lang=en")
    expect(page.locator(".card")).to_have_count(3)
    upload = page.locator("input[type=file]")
    upload.set_input_files(
        [{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"not a picture"}]
    )
    expect(page.locator(".empty")).to_contain_text("needs a JPEG or PNG picture")
    large = b"\xff\xd8" + b"\0" * (10 * 1024 * 1024 + 1)
    upload.set_input_files([{"name": "b.jpg", "mimeType": "image/jpeg", "buffer": large}])
    expect(page.locator(".empty")).to_contain_text("at most 10 MB")


def test_a_link_to_an_offence_opens_its_history(page, running_console):
    offence_id = running_console.staged.offence(next(NUMBERS), "escalated", calls=3)
    open_page(page, running_console, f"/live?lang=en&offence={offence_id}")
    expect(page.locator(".history h2")).to_contain_text("Escalated")
    expect(page.locator(".history li").first).to_be_visible()


def test_the_audit_page_shows_an_audit_as_soon_as_there_is_one(page, running_console):
    open_page(page, running_console, "/audit?lang=zh")
    expect(page.locator(".audit")).to_contain_text("还没有审核过证据")
    subprocess.run(
        [sys.executable, "-m", "validation", "--data", str(running_console.staged.data.root)],
        check=False,  # staged evidence is no real evidence: it fails, and that is told
        capture_output=True,
        timeout=240,
    )
    expect(page.locator(".audit table").first).to_contain_text("文件与封存时一致")
    expect(page.locator(".audit td.bad").first).to_be_visible()
    expect(page.locator(".audit li").first).to_contain_text("条：")
