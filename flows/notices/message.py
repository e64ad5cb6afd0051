"""Compose a message's title and body in the recipient's language."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from domain.base import BothLanguages
from domain.events.requests import RequestData
from domain.site.place import SiteInfo

Language = Literal["zh", "en", "both"]
PictureState = Literal[
    "picture",
    "no_picture_off",
    "no_picture_service",
    "no_picture_footage",
    "no_picture_waited",
]


@dataclass(frozen=True, slots=True)
class Message:
    """Ready to be sent."""

    title: str
    body: str


@cache
def _texts() -> dict[str, dict[str, str]]:
    return tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))


def compose(
    request: RequestData, site: SiteInfo, language: Language, picture: PictureState
) -> Message:
    """Compose the message about one request, in the recipient's language.

    `picture` is what is said of the picture: that it is there, or why not.
    """
    spoken = _spoken(language)
    titles = [
        _say("title", lang, site=_of(request.site_title, lang), rule=_of(request.rule_title, lang))
        for lang in spoken
    ]
    return Message(
        title=" / ".join(titles),
        body="\n\n".join("\n".join(_lines(request, site, lang, picture)) for lang in spoken),
    )


def compose_test(site: SiteInfo, language: Language) -> Message:
    """Compose a message that says that it is only a test."""
    spoken = _spoken(language)
    return Message(
        " / ".join(_say("test_title", lang, site=_of(site.title, lang)) for lang in spoken),
        "\n".join(_say("test_body", lang) for lang in spoken),
    )


def _lines(request: RequestData, site: SiteInfo, lang: str, picture: PictureState) -> list[str]:
    at = request.sighting.at.astimezone(ZoneInfo(site.timezone))
    lines = [
        _of(request.wording, lang),
        _say("time", lang, time=at.strftime("%Y-%m-%d %H:%M:%S %Z")),
    ]
    if request.legal_basis is not None:
        lines.append(_say("law", lang, law=_of(request.legal_basis, lang)))
    asked_by = "rung" if request.asked_by == "rung" else "escalation"
    lines.append(_say(asked_by, lang, number=request.rung_number, count=request.rung_count))
    lines.append(_say(picture, lang))
    if site.console_url is not None:
        link = f"{site.console_url.rstrip('/')}/live?lang={lang}&offence={request.offence_id}"
        lines.append(_say("record", lang, link=link))
    return [*lines, _say("number", lang, offence=request.offence_id)]


def _spoken(language: Language) -> tuple[str, ...]:
    return ("zh", "en") if language == "both" else (language,)


def _of(both: BothLanguages, lang: str) -> str:
    return both.zh if lang == "zh" else both.en


def _say(key: str, lang: str, **facts: object) -> str:
    return _texts()[key][lang].format(**facts)
