"""A place has a clock and a country that machines know."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from site_values import TITLE

from domain.site.place import SiteInfo


def place(**changes: Any) -> SiteInfo:
    return SiteInfo.model_validate({"id": "square", "title": TITLE} | changes)


def test_what_is_left_out_is_the_strictest() -> None:
    assert (place().timezone, place().enforcement) == ("UTC", "real")
    assert place().country is None and place().console_url is None


@pytest.mark.parametrize("name", ["Asia/Shanghai", "Europe/Berlin", "UTC"])
def test_a_time_zone_of_the_iana_is_taken(name: str) -> None:
    assert place(timezone=name).timezone == name


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "Asia/", "a\x00b"])
def test_another_time_zone_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(ValidationError, match=r"no time zone .* use a name such as Asia/Shanghai"):
        place(timezone=name)


@pytest.mark.parametrize(
    "changes",
    [
        {"country": "China"},
        {"country": "cn"},
        {"console_url": "console.example"},
        {"console_url": "http://console.example/page"},
        {"console_url": "http://console.example?x=1"},
        {"enforcement": "maybe"},
    ],
)
def test_what_no_machine_knows_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=next(iter(changes))):
        place(**changes)


@pytest.mark.parametrize("url", ["http://10.0.0.1:5006", "https://console.example/"])
def test_a_console_without_a_page_is_an_address(url: str) -> None:
    assert place(console_url=url).console_url == url
