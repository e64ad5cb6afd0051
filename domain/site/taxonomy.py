"""Taxonomies: the classes of offence that a city knows, each with kinds; a rule's category names one."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from domain.base import BothLanguages, FrozenModel, Identifier, repeated


class Kind(FrozenModel):
    """A sub-class: what a rule is about."""

    id: Identifier
    title: BothLanguages
    legal_basis: BothLanguages | None = Field(
        default=None, description="what a rule of this kind may stand on; only a suggestion"
    )


class OffenceClass(FrozenModel):
    """A class, such as street order."""

    id: Identifier
    title: BothLanguages
    kinds: tuple[Kind, ...] = Field(min_length=1)


class Taxonomy(FrozenModel):
    """All of them."""

    classes: tuple[OffenceClass, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        for what, ids in (
            ("classes", [one.id for one in self.classes]),
            *((f"kinds of {one.id!r}", [kind.id for kind in one.kinds]) for one in self.classes),
        ):
            for _, twice in repeated(ids):
                raise ValueError(f"ids of {what} should be unique, {twice!r} comes twice")
        return self

    def categories(self) -> dict[str, BothLanguages]:
        """Map every category, "class" and "class/kind", to its title."""
        titles: dict[str, BothLanguages] = {}
        for one in self.classes:
            titles[one.id] = one.title
            for kind in one.kinds:
                titles[f"{one.id}/{kind.id}"] = BothLanguages(
                    zh=f"{one.title.zh}·{kind.title.zh}", en=f"{one.title.en}: {kind.title.en}"
                )
        return titles
