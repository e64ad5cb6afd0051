"""A call's text has named fields; what they are filled with is said as people say it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.base import BothLanguages
from domain.site.speech.call_text import FIELDS, CallFacts, check_call_text, fields_in, fill
from domain.site.speech.spoken_words import en_span, en_time, zh_number, zh_span, zh_time

FACTS = CallFacts(
    place=BothLanguages(zh="广场", en="Square"),
    camera=BothLanguages(zh="北门", en="North gate"),
    zone=BothLanguages(zh="草坪", en="lawn"),
    rule=BothLanguages(zh="勿踏草坪", en="Keep off the lawn"),
    law=BothLanguages(zh="市容条例第十二条", en="City order, article 12"),
    dwell_s=62.4,
    rung_number=2,
    rung_count=2,
    at=datetime(2026, 3, 2, 20, 5),
)


def test_every_field_is_filled_in_both_languages() -> None:
    everything = "; ".join(f"{{{name}}}" for name in FIELDS)
    filled = fill(BothLanguages(zh=everything, en=everything), FACTS)
    assert filled.zh == (
        "广场; 北门; 草坪; 勿踏草坪; 市容条例第十二条; 一分零二秒; 晚上八点零五分; 二; 两"
    )
    assert filled.en == (
        "Square; North gate; lawn; Keep off the lawn; City order, article 12; "
        "1 minute 2 seconds; 8:05 p.m.; 2; 2"
    )


def test_a_title_with_braces_is_said_as_it_is() -> None:
    odd = BothLanguages(zh="{dwell}", en="{law} {")
    filled = fill(BothLanguages(zh="{zone}", en="{zone}"), replace(FACTS, zone=odd))
    assert filled == odd


@pytest.mark.parametrize(
    ("text", "came"),
    [
        ("stay {here}", r"got \{here\}"),
        ("stay {}", r"got \{\}"),
        ("stay {Zone}", r"got \{Zone\}"),
        ("stay {zone:>8}", r"got \{zone:>8\}"),
        ("leave the {zone", r"got '\{' in 'ave the \{zone'"),
        ("leave the zone}", r"got '\}' in"),
        ("{{zone}}", r"got '\{' in"),
    ],
)
def test_a_field_that_no_call_knows_and_a_brace_alone_are_refused(text: str, came: str) -> None:
    with pytest.raises(ValueError, match=came) as caught:
        check_call_text(text)
    assert "fields: {place}, {camera}, {zone}, {rule}, {law}, {dwell}" in str(caught.value)


@given(st.text(st.sampled_from("ab {}zone中")))
def test_a_text_that_passes_can_always_be_filled(text: str) -> None:
    try:
        check_call_text(text)
    except ValueError:
        assert re.search(r"[{}]", text)
        return
    if text:
        filled = fill(BothLanguages(zh=text, en=text), FACTS)
        assert "{" not in filled.zh and "}" not in filled.en
        assert bool(fields_in(text)) == (filled.en != text)


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "零"), (10, "十"), (14, "十四"), (20, "二十"), (101, "一百零一"), (110, "一百一十"), (215, "二百一十五"),
     (1000, "一千"), (1010, "一千零一十"), (9999, "九千九百九十九"), (12345, "12345")],
)  # fmt: skip
def test_numbers_are_written_out_in_chinese(number: int, said: str) -> None:
    assert zh_number(number) == said


@given(st.integers(1, 9_999))
def test_different_numbers_are_said_differently(number: int) -> None:
    assert zh_number(number) != zh_number(number - 1)


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (-1, "零秒", "0 seconds"),
        (2.99, "两秒", "2 seconds"),
        (59.999, "五十九秒", "59 seconds"),
        (120, "两分钟", "2 minutes"),
        (3600, "一小时", "1 hour"),
        (7325, "两小时零二分钟", "2 hours 2 minutes"),
    ],
)
def test_spans_are_said_with_their_units_and_never_rounded_up(
    seconds: float, zh: str, en: str
) -> None:
    assert (zh_span(seconds), en_span(seconds)) == (zh, en)


@pytest.mark.parametrize(
    ("hour", "minute", "zh", "en"),
    [
        (0, 0, "凌晨零点", "midnight"),
        (0, 30, "凌晨零点三十分", "12:30 a.m."),
        (2, 0, "凌晨两点", "2 a.m."),
        (9, 9, "上午九点零九分", "9:09 a.m."),
        (12, 0, "中午十二点", "noon"),
        (13, 15, "下午一点十五分", "1:15 p.m."),
        (23, 59, "晚上十一点五十九分", "11:59 p.m."),
    ],
)
def test_times_are_said_by_the_part_of_the_day(hour: int, minute: int, zh: str, en: str) -> None:
    at = datetime(2026, 3, 2, hour, minute)
    assert (zh_time(at), en_time(at)) == (zh, en)
