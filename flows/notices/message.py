"""Compose a message's title and body in the recipient's language."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
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

    def title(lang: str) -> str:
        facts = {"site": of(request.site_title, lang), "rule": of(request.rule_title, lang)}
        return say("title", lang, **facts)

    return in_languages(language, title, lambda lang: _lines(request, site, lang, picture))


def compose_test(site: SiteInfo, language: Language) -> Message:
    """Compose a message that says that it is only a test."""
    return in_languages(
        language,
        lambda lang: say("test_title", lang, site=of(site.title, lang)),
        lambda lang: [say("test_body", lang)],
    )


def in_languages(
    language: Language, title: Callable[[str], str], lines: Callable[[str], list[str]]
) -> Message:
    """Make a message of one language, or of both, one after the other."""
    spoken = ("zh", "en") if language == "both" else (language,)
    return Message(
        title=" / ".join(title(lang) for lang in spoken),
        body="\n\n".join("\n".join(lines(lang)) for lang in spoken),
    )


def say(key: str, lang: str, **facts: object) -> str:
    """Return a text of texts.toml with its facts filled in."""
    return _texts()[key][lang].format(**facts)


def of(words: BothLanguages, lang: str) -> str:
    """Return a text in one language."""
    return words.zh if lang == "zh" else words.en


def _lines(request: RequestData, site: SiteInfo, lang: str, picture: PictureState) -> list[str]:
    at = request.sighting.at.astimezone(ZoneInfo(site.timezone))
    lines = [
        of(request.wording, lang),
        say("time", lang, time=at.strftime("%Y-%m-%d %H:%M:%S %Z")),
    ]
    if request.legal_basis is not None:
        lines.append(say("law", lang, law=of(request.legal_basis, lang)))
    asked_by = "rung" if request.asked_by == "rung" else "escalation"
    lines.append(say(asked_by, lang, number=request.rung_number, count=request.rung_count))
    lines.append(say(picture, lang))
    if site.console_url is not None:
        # the console leads on to the record, or while there is none to the offence on its live page
        link = f"{site.console_url.rstrip('/')}/record/{request.offence_id}?lang={lang}"
        lines.append(say("record", lang, link=link))
    return [*lines, say("number", lang, offence=request.offence_id)]
