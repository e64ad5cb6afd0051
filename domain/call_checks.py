"""What is wrong with a site's calls, as far as the site file alone can tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from domain.call_text import fields_in
from domain.facts import Fault
from domain.rungs import LANGUAGES

if TYPE_CHECKING:
    from domain.site import Site


def call_faults(site: Site) -> Iterator[Fault]:
    """Calls that lack something to say."""
    yield from _unfillable(site)
    yield from _without_words(site)
    yield from _recordings(site)


def _unfillable(site: Site) -> Iterator[Fault]:
    for row, ladder in enumerate(site.ladders):
        lawless = [
            repr(rule.id)
            for rule in site.rules
            if rule.ladder == ladder.id and rule.legal_basis is None
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


def _without_words(site: Site) -> Iterator[Fault]:
    """Languages that neither the voice speaks nor a recording."""
    for row, ladder in enumerate(site.ladders):
        for language in _again(ladder.languages):
            yield ("ladders", row, "languages"), f"names {language!r} twice"
        for column, rung in enumerate(ladder.rungs):
            recorded = {each.language for each in rung.recordings}
            for language in ladder.languages:
                if rung.announces and language not in {*LANGUAGES, *recorded}:
                    came = ", ".join(sorted(recorded)) or "none"
                    words = (
                        f"needs a recording in {language!r}, which the ladder's languages name and "
                        f"the voice does not speak; recordings: {came}"
                    )
                    yield ("ladders", row, "rungs", column), words


def _recordings(site: Site) -> Iterator[Fault]:
    for row, ladder in enumerate(site.ladders):
        for column, rung in enumerate(ladder.rungs):
            place = ("ladders", row, "rungs", column, "recordings")
            for language in _again([each.language for each in rung.recordings]):
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


def _again(names: Sequence[str]) -> list[str]:
    """Those that came before."""
    return [name for row, name in enumerate(names) if name in names[:row]]
