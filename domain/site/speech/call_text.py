"""Fill the named fields, in braces, of a call's text.

    您已在{zone}停留{dwell}。 / You have been on the {zone} for {dwell}.

A text is filled when its rung comes due, so that the event holds the words that are spoken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain.base import BothLanguages
from domain.site.speech.spoken_words import en_span, en_time, zh_count, zh_number, zh_span, zh_time


@dataclass(frozen=True, slots=True)
class CallFacts:
    """Hold what a call may speak of."""

    place: BothLanguages  # the site's title
    camera: BothLanguages
    zone: BothLanguages  # or the line
    rule: BothLanguages
    law: BothLanguages | None
    dwell_s: float
    rung_number: int  # from 1
    rung_count: int
    at: datetime  # by the site's own clock


@dataclass(frozen=True, slots=True)
class Field:
    """Describe one field of a call's text, and how it is filled in either language."""

    meaning: str
    in_zh: Callable[[CallFacts], str]
    in_en: Callable[[CallFacts], str]


def _title(meaning: str, pick: Callable[[CallFacts], BothLanguages]) -> Field:
    return Field(meaning, lambda facts: pick(facts).zh, lambda facts: pick(facts).en)


def _law(facts: CallFacts) -> BothLanguages:
    assert facts.law is not None, "call_faults() refuses {law} in a rule without one"
    return facts.law


FIELDS: dict[str, Field] = {
    "place": _title("the site's title", lambda facts: facts.place),
    "camera": _title("the camera's title", lambda facts: facts.camera),
    "zone": _title("the title of the zone or line", lambda facts: facts.zone),
    "rule": _title("the rule's title", lambda facts: facts.rule),
    "law": _title("the rule's legal_basis", _law),
    "dwell": Field(
        "how long the stay has lasted, with its unit: 十二秒, 12 seconds",
        lambda facts: zh_span(facts.dwell_s),
        lambda facts: en_span(facts.dwell_s),
    ),
    "time": Field(
        "the time of day on the site's clock: 晚上八点零五分, 8:05 p.m.",
        lambda facts: zh_time(facts.at),
        lambda facts: en_time(facts.at),
    ),
    "rung": Field(
        "which call this is, from 1, as in 第{rung}次, call {rung}",
        lambda facts: zh_number(facts.rung_number),
        lambda facts: str(facts.rung_number),
    ),
    "of_rungs": Field(
        "how many calls the ladder has, as in 共{of_rungs}次, of {of_rungs}",
        lambda facts: zh_count(facts.rung_count),
        lambda facts: str(facts.rung_count),
    ),
}
# these differ from offence to offence, so that their sounds cannot be made beforehand
FIELDS_OF_THE_MOMENT = frozenset({"dwell", "time"})

_FIELD = re.compile(r"\{([^{}]*)\}")


def fields_in(text: str) -> frozenset[str]:
    """Name the fields that a text uses, known or not."""
    return frozenset(_FIELD.findall(text))


def check_call_text(text: str) -> str:
    """Return the text; ValueError where a brace has no partner, or a field is not known."""
    known = ", ".join(f"{{{name}}}" for name in FIELDS)
    stray = re.search(r"[{}]", _FIELD.sub(lambda field: " " * len(field[0]), text))
    if stray is not None:
        near = text[max(0, stray.start() - 8) : stray.start() + 12]
        raise ValueError(
            f"every brace needs its partner around a field's name, got {stray[0]!r} in {near!r}; "
            f"fields: {known}"
        )
    for name in sorted(fields_in(text) - FIELDS.keys()):
        raise ValueError(f"needs a field that a call knows, got {{{name}}}; fields: {known}")
    return text


def fill(text: BothLanguages, facts: CallFacts) -> BothLanguages:
    """Put the words together that are spoken; the text has passed check_call_text()."""
    en = _FIELD.sub(lambda field: FIELDS[field[1]].in_en(facts), text.en)
    return BothLanguages(
        zh=_FIELD.sub(lambda field: FIELDS[field[1]].in_zh(facts), text.zh),
        en=en.replace(".m..", ".m."),  # {time} at the end of a sentence
    )
