"""What is wrong with a site's calls, as far as the site file alone can tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from domain.call_text import fields_in
from domain.facts import Fault

if TYPE_CHECKING:
    from domain.site import Site


def call_faults(site: Site) -> Iterator[Fault]:
    """Calls that some rule could not fill."""
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
