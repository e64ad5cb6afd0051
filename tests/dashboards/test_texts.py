"""Every string has both languages, with the same facts in it."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from dashboards.texts import LANGS, catalogue, choose_lang
from domain.offence_states import State

DASHBOARDS = Path(__file__).resolve().parents[2] / "dashboards"
HAN = re.compile(r"[\u4e00-\u9fff]")
ITSELF = {"page.other_language", "page.other_language_hint"}  # each in the other language
FORMATS = {
    "kpi.camera_reason",
    "kpi.cameras_value",
    "alarm.moved",
    "alarm.done",
    "table.calls_value",
    "search.record_label",
    "page.clock_stepped",
}  # no words in them


def _facts(phrase: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(phrase) if name}


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_a_text_exists_in_chinese_and_in_english_and_tells_the_same_facts(key: str):
    both = catalogue()[key]
    assert set(both) == set(LANGS)
    assert all(both[lang].strip() for lang in LANGS)
    assert _facts(both["zh"]) == _facts(both["en"])
    if key not in ITSELF | FORMATS:
        assert HAN.search(both["zh"])
        assert not HAN.search(both["en"])


def test_every_text_that_the_code_asks_for_stands_in_the_catalogue():
    asked = set()
    for path in [*DASHBOARDS.rglob("*.py"), *DASHBOARDS.rglob("*.html")]:
        source = path.read_text(encoding="utf-8")
        asked |= set(re.findall(r'say\(\s*"([a-z_]+\.[a-z_]+)"', source))
    assert len(asked) > 50
    assert asked <= set(catalogue())


@pytest.mark.parametrize(
    ("script", "part"),
    [
        ("wall.js", "wall"),
        ("offence_table.js", "table"),
        ("alarm_actions.js", "alarm"),
        ("alarm_queue.js", "alarm"),
        ("bell.js", "bell"),
        ("record.js", "player"),
    ],
)
def test_every_text_that_a_script_asks_for_stands_in_the_catalogue(script: str, part: str):
    source = (DASHBOARDS / "pages" / script).read_text(encoding="utf-8")
    asked = set(re.findall(r"texts\.([a-z_]+)", source))
    assert asked
    assert {f"{part}.{name}" for name in asked} <= set(catalogue())


def test_every_state_of_the_ladder_has_a_name():
    shown = {state for state in State if state is not State.DROPPED}
    assert {f"wall.state_{state.value}" for state in shown} <= set(catalogue())


def test_scripts_and_python_hold_no_chinese_of_their_own():
    paths = [path for kind in ("py", "js", "html") for path in DASHBOARDS.rglob(f"*.{kind}")]
    assert len(paths) > 40
    for path in paths:
        assert not HAN.search(path.read_text(encoding="utf-8")), path.name


@pytest.mark.parametrize(
    ("asked", "configured", "browser", "wanted"),
    [
        ("zh", "en", "en", "zh"),
        (None, "zh", "en", "zh"),
        (None, None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("fr", None, "fr,en;q=0.5", "en"),
        ("", None, "", "en"),
    ],
)
def test_the_address_decides_the_language_then_the_setting_then_the_browser(
    asked, configured, browser, wanted
):
    assert choose_lang(asked, configured, browser) == wanted
