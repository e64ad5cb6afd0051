"""One record in a real browser: found by search, looked through, verified, exported, on a phone, too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from real_browser import open_page
from whole_record import seal_whole

from evidence_store.export.archive import VERIFIER_FILE

pytestmark = [pytest.mark.slow, pytest.mark.browser]

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1366, "height": 768}
# of the sample clip, which the staged record has whole
FRAME_S = 0.1


@pytest.fixture(scope="module")
def evidence_id(running_console: Any) -> str:
    """Seal a whole record while the console runs; its one rung came due in the 50th second of its clip."""
    staged = running_console.staged
    offence_id = staged.offence(5, "escalated", calls=2)
    return str(seal_whole(staged, offence_id, "escalated").evidence_id)


def _is_at(page: Page, seconds: float) -> None:
    page.wait_for_function(
        f"Math.abs(document.querySelector('video').currentTime - {seconds}) < {FRAME_S / 2 + 0.001}"
    )


def test_a_record_is_opened_from_search_looked_through_verified_and_exported(
    page: Page, running_console: Any, evidence_id: str, tmp_path: Path
) -> None:
    open_page(page, running_console, "/search?lang=en")
    card = page.locator(f".card[data-evidence='{evidence_id}']")
    expect(card).to_contain_text(evidence_id)
    card.get_by_role("link", name="Open the record").click()
    expect(page.locator("article.record")).to_have_attribute("data-record", evidence_id)

    page.get_by_role("button", name="Go to: Rung 1").click()
    _is_at(page, 50.0)
    expect(page.locator(".screen rect")).to_be_visible()
    page.get_by_label("Mark the subject").uncheck()
    expect(page.locator(".screen rect")).to_be_hidden()
    page.get_by_role("button", name="One picture on").click()
    _is_at(page, 50.0 + 1.5 * FRAME_S)
    page.locator("video").press("ArrowLeft")
    _is_at(page, 50.0 + 0.5 * FRAME_S)
    page.get_by_label("Speed").select_option("0.5")
    assert page.locator("video").evaluate("video => video.playbackRate") == 0.5

    expect(page.locator(".calls")).to_contain_text("written as a file")
    expect(page.locator(".beside .card").first).to_be_visible()
    expect(page.get_by_role("link", name="← Older")).to_be_visible()

    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("form[data-act=verify] output")).to_contain_text("In order")
    with page.expect_download() as download:
        page.get_by_role("button", name="Verify and export").click()
    zipped = tmp_path / download.value.suggested_filename
    download.value.save_as(zipped)
    assert zipped.name == f"{evidence_id}.zip"
    checked = subprocess.run(
        [sys.executable, str(VERIFIER_FILE), str(zipped)], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout
    page.reload()
    expect(page.locator(".custody")).to_contain_text("exported")


@pytest.mark.parametrize(
    ("lang", "hold", "expired"),
    [
        ("zh", "保留，不予删除", "登录已过期"),
        ("en", "Hold: keep it", "Your login has ended"),
    ],
)
def test_it_fits_a_phone_and_what_was_typed_stays_when_the_console_says_no(
    page: Page, running_console: Any, evidence_id: str, lang: str, hold: str, expired: str
) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"{running_console.address}/record/{evidence_id}?lang={lang}")
    expect(page.locator(".beside .card").first).to_be_visible()
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]
    for control in page.locator("header a, header button, article button, article a").all():
        box = control.bounding_box()
        if box is not None:
            assert box["x"] >= 0, control
            assert box["x"] + box["width"] <= PHONE["width"], control
    form = page.locator("form[data-act=hold]")
    form.locator("textarea").fill("appeal 17")
    form.locator("[name=owner]").fill("legal department")
    form.locator("[name=until]").fill("2020-01-01")
    form.get_by_role("button", name=hold).click()
    expect(form.locator("output.is-fault")).not_to_be_empty()
    page.route("**/hold?*", lambda route: route.fulfill(status=403))
    form.get_by_role("button", name=hold).click()
    expect(form.locator("output")).to_contain_text(expired)
    expect(form.locator("textarea")).to_have_value("appeal 17")


def test_an_id_that_nobody_knows_is_told_in_a_sentence(page: Page, running_console: Any) -> None:
    page.goto(f"{running_console.address}/record/evd-0123456789abcdef?lang=zh")
    expect(page.get_by_role("alert")).to_have_text("没有编号为 evd-0123456789abcdef 的记录。")
