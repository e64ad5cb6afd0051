"""Checks of the categories that a site's rules and terms name, against a taxonomy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from domain.base import Fault
from domain.site.retention import CategoryTerms
from domain.site.rules import Rule
from domain.site.taxonomy import Taxonomy


def category_faults(
    rules: Sequence[Rule], terms: Sequence[CategoryTerms], taxonomy: Taxonomy, taxonomy_name: str
) -> Iterator[Fault]:
    """Yield rules and terms whose category the taxonomy lacks, with the nearest that it has.

    Terms may name what no rule has (any more): its evidence may still be there. Messages call the
    taxonomy by its name, the file's.
    """
    known = list(taxonomy.categories())
    named: list[tuple[tuple[str | int, ...], str | None]] = [
        (("rules", row, "category"), rule.category) for row, rule in enumerate(rules)
    ]
    named += [
        (("retention", "categories", row, "category"), each.category)
        for row, each in enumerate(terms)
    ]
    for place, category in named:
        if category is not None and category not in known:
            words = f"{taxonomy_name} has no category {category!r}; {_nearest(category, known)}"
            yield place, words


def _nearest(category: str, known: list[str]) -> str:
    near = get_close_matches(category, known, n=3, cutoff=0.5)
    near = near or [each for each in known if each.endswith(f"/{category}")]
    return f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(known)}"
