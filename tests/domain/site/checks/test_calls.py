"""A call that lacks something to say is named, with the rung and language that lack it."""

from __future__ import annotations

from typing import Any

import pytest
from site_values import TITLE, ladder, rule, rung

from domain.site.checks.calls import call_faults
from domain.site.ladders import LANGUAGES

CITES_LAW = {"zh": "根据{law}请离开", "en": "Under {law}, please leave"}
RUNG = ("ladders", 0, "rungs", 0)


def recording(language: str, **changes: Any) -> dict[str, Any]:
    return {"language": language, "file": "a.wav", "says": TITLE} | changes


def test_a_ladder_that_the_voice_can_speak_has_no_fault() -> None:
    assert list(call_faults([ladder()], [rule()])) == []
    assert list(call_faults([], [])) == []


def test_a_law_has_to_stand_in_every_rule_of_the_ladder() -> None:
    citing = [ladder("calls", rung(text=CITES_LAW)), ladder("others")]
    lawful = rule(legal_basis=TITLE)
    lawless = [rule("a"), rule("b"), rule("c", ladder="others")]
    assert list(call_faults(citing, [lawful])) == []
    found = dict(call_faults(citing, [lawful, *lawless]))
    assert found.keys() == {(*RUNG, "text", "zh"), (*RUNG, "text", "en")}
    assert all(words.endswith("without one: 'a', 'b'") for words in found.values())


@pytest.mark.parametrize(
    ("languages", "recorded", "lacking"),
    [
        (["zh", "yue"], ["yue"], []),
        (["zh", "yue"], [], ["yue"]),
        (["yue", "nan"], ["nan"], ["yue"]),
        (["en"], [], []),
    ],
)
def test_a_language_that_nobody_speaks_needs_a_recording(
    languages: list[str], recorded: list[str], lacking: list[str]
) -> None:
    one = ladder(
        "calls", rung(recordings=[recording(each) for each in recorded]), languages=languages
    )
    found = list(call_faults([one], []))
    assert [place for place, _ in found] == [RUNG for _ in lacking]
    for (_, words), language in zip(found, lacking, strict=True):
        assert f"needs a recording in {language!r}" in words


def test_a_rung_that_says_nothing_needs_no_recording() -> None:
    silent = {"id": "note", "after_s": 0, "does": ["open_case"]}
    assert list(call_faults([ladder("calls", silent, languages=["yue"])], [])) == []


@pytest.mark.parametrize(
    ("one", "place", "words"),
    [
        (ladder(languages=["zh", "en", "zh"]), ("ladders", 0, "languages"), "names 'zh' twice"),
        (
            ladder("calls", rung(recordings=[recording("zh"), recording("zh")])),
            (*RUNG, "recordings"),
            "'zh' has several",
        ),
        (
            ladder("calls", rung(recordings=[recording("yue")])),
            (*RUNG, "recordings", 0, "language"),
            "is never played",
        ),
        (
            ladder("calls", rung(recordings=[recording("zh", says=TITLE | {"en": "At {time}"})])),
            (*RUNG, "recordings", 0, "says", "en"),
            "no field can be filled in",
        ),
    ],
)
def test_a_recording_that_cannot_be_played_is_named(
    one: Any, place: tuple[str | int, ...], words: str
) -> None:
    ((found, said),) = call_faults([one], [])
    assert found == place
    assert words in said


def test_the_voice_speaks_chinese_first() -> None:
    assert LANGUAGES == ("zh", "en")
