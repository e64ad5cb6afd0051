"""Which kinds of offence a city knows: classes, each with kinds; a rule's category names one."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from domain.facts import BothLanguages, Facts, Fault, Identifier

if TYPE_CHECKING:
    from domain.site import Site


class Kind(Facts):
    """A sub-class: what a rule is about."""

    id: Identifier
    title: BothLanguages
    legal_basis: BothLanguages | None = Field(
        default=None, description="what a rule of this kind may stand on; only a suggestion"
    )


class OffenceClass(Facts):
    """A class, such as street order."""

    id: Identifier
    title: BothLanguages
    kinds: tuple[Kind, ...] = Field(min_length=1)


class Taxonomy(Facts):
    """All of them."""

    classes: tuple[OffenceClass, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        for what, ids in (
            ("classes", [each.id for each in self.classes]),
            *((f"kinds of {each.id!r}", [kind.id for kind in each.kinds]) for each in self.classes),
        ):
            for row, each_id in enumerate(ids):
                if each_id in ids[:row]:
                    raise ValueError(f"ids of {what} should be unique, {each_id!r} comes twice")
        return self

    def categories(self) -> dict[str, BothLanguages]:
        """Every category, "class" and "class/kind", with its title."""
        titles: dict[str, BothLanguages] = {}
        for each in self.classes:
            titles[each.id] = each.title
            for kind in each.kinds:
                titles[f"{each.id}/{kind.id}"] = BothLanguages(
                    zh=f"{each.title.zh}·{kind.title.zh}", en=f"{each.title.en}: {kind.title.en}"
                )
        return titles

    def suggested_basis(self, category: str) -> BothLanguages | None:
        """What a rule of that category may stand on."""
        for each in self.classes:
            for kind in each.kinds:
                if f"{each.id}/{kind.id}" == category:
                    return kind.legal_basis
        return None


def category_faults(site: Site, taxonomy: Taxonomy) -> Iterator[Fault]:
    """Rules and terms whose category the taxonomy does not have, with the nearest that it has.

    Terms may name what no rule has (any more): its evidence may still be there.
    """
    known = list(taxonomy.categories())
    where = site.taxonomy or "the shipped taxonomy"
    named: list[tuple[tuple[str | int, ...], str | None]] = [
        (("rules", row, "category"), rule.category) for row, rule in enumerate(site.rules)
    ]
    named += [
        (("retention", "categories", row, "category"), terms.category)
        for row, terms in enumerate(site.retention.categories)
    ]
    for place, category in named:
        if category is not None and category not in known:
            yield place, f"{where} has no category {category!r}; {_nearest(category, known)}"


def _nearest(category: str, known: list[str]) -> str:
    near = get_close_matches(category, known, n=3, cutoff=0.5)
    near = near or [each for each in known if each.endswith(f"/{category}")]
    return f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(known)}"
