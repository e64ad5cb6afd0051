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
    """Rules whose category the taxonomy does not have, with the nearest that it has."""
    known = list(taxonomy.categories())
    where = site.taxonomy or "the shipped taxonomy"
    for row, rule in enumerate(site.rules):
        if rule.category is None or rule.category in known:
            continue
        near = get_close_matches(rule.category, known, n=3, cutoff=0.5)
        near = near or [each for each in known if each.endswith(f"/{rule.category}")]
        hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(known)}"
        yield ("rules", row, "category"), f"{where} has no category {rule.category!r}; {hint}"
