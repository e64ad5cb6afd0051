"""The catalogue of every text on a page, in Chinese and in English."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from domain.base import BothLanguages

Lang = Literal["zh", "en"]
LANGS: tuple[Lang, ...] = get_args(Lang)
CATALOGUE = Path(__file__).with_name("texts.toml")


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Load all texts: "section.name" -> {"zh": ..., "en": ...}."""
    sections = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))
    return {
        f"{section}.{name}": both
        for section, entries in sections.items()
        for name, both in entries.items()
    }


def text(key: str, lang: Lang, **facts: object) -> str:
    """Return one text with its {facts}; raises KeyError if the text or a fact is missing."""
    return catalogue()[key][lang].format(**facts)


def section(name: str, lang: Lang) -> dict[str, str]:
    """Return all texts of one section, for scripts in the browser; facts stay as {names}."""
    start = name + "."
    return {
        key.removeprefix(start): both[lang]
        for key, both in catalogue().items()
        if key.startswith(start)
    }


def in_language(both: BothLanguages, lang: Lang) -> str:
    """Return the text in the reader's language."""
    return both.zh if lang == "zh" else both.en


def choose_lang(asked: str | None, configured: Lang | None, accept_language: str) -> Lang:
    """Choose a page's language: the address's, else the setting, else the browser's.

    A word in the address that is no language of ours counts as none; the browser's header is such as
    "zh-CN,zh;q=0.9,en;q=0.8".
    """
    for lang in LANGS:
        if asked == lang:
            return lang
    if configured is not None:
        return configured
    for preferred in accept_language.lower().split(","):
        for lang in LANGS:
            if preferred.strip().startswith(lang):
                return lang
    return "en"
