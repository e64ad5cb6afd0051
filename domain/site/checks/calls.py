"""Checks of the calls of a site's ladders, as far as the site file alone can tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domain.base import Fault, repeated
from domain.site.ladders import LANGUAGES, Ladder
from domain.site.rules import Rule
from domain.site.speech.call_text import fields_in


def call_faults(ladders: Sequence[Ladder], rules: Sequence[Rule]) -> Iterator[Fault]:
    """Yield the calls that lack something to say."""
    yield from _unfillable(ladders, rules)
    yield from _without_words(ladders)
    yield from _recordings(ladders)


def _unfillable(ladders: Sequence[Ladder], rules: Sequence[Rule]) -> Iterator[Fault]:
    """Yield the texts that cite a law, where a rule with that ladder names none."""
    for row, ladder in enumerate(ladders):
        lawless = [
            repr(rule.id) for rule in rules if rule.ladder == ladder.id and rule.legal_basis is None
        ]
        if not lawless:
            continue
        for column, rung in enumerate(ladder.rungs):
            if rung.text is None:
                continue
            for language in ("zh", "en"):
                if "law" in fields_in(getattr(rung.text, language)):
                    words = (
                        "says {law}, so every rule with this ladder needs a legal_basis; without "
                        f"one: {', '.join(lawless)}"
                    )
                    yield ("ladders", row, "rungs", column, "text", language), words


def _without_words(ladders: Sequence[Ladder]) -> Iterator[Fault]:
    """Yield the languages that neither the voice speaks nor a recording."""
    for row, ladder in enumerate(ladders):
        for _, language in repeated(ladder.languages):
            yield ("ladders", row, "languages"), f"names {language!r} twice"
        for column, rung in enumerate(ladder.rungs):
            recorded = {recording.language for recording in rung.recordings}
            for language in ladder.languages:
                if rung.announces and language not in {*LANGUAGES, *recorded}:
                    came = ", ".join(sorted(recorded)) or "none"
                    words = (
                        f"needs a recording in {language!r}, which the ladder's languages name and "
                        f"the voice does not speak; recordings: {came}"
                    )
                    yield ("ladders", row, "rungs", column), words


def _recordings(ladders: Sequence[Ladder]) -> Iterator[Fault]:
    """Yield recordings that are doubled, never played, or say something with a field in it."""
    for row, ladder in enumerate(ladders):
        for column, rung in enumerate(ladder.rungs):
            place = ("ladders", row, "rungs", column, "recordings")
            for _, language in repeated([recording.language for recording in rung.recordings]):
                yield place, f"needs one recording for a language, {language!r} has several"
            for number, recording in enumerate(rung.recordings):
                if recording.language not in ladder.languages:
                    words = (
                        f"is never played: the ladder's languages are "
                        f"{', '.join(ladder.languages)}, not {recording.language!r}"
                    )
                    yield (*place, number, "language"), words
                for language in LANGUAGES:
                    if set("{}") & set(getattr(recording.says, language)):
                        words = "needs the words as they were recorded; no field can be filled in"
                        yield (*place, number, "says", language), words
