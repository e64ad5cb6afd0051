"""Conditions: what a rule looks for on the picture; flows/conditions/ judges them."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from domain.base import FrozenModel
from domain.coco_classes import ClassName
from domain.site.cameras import Camera

Direction = Literal["either", "left to right", "right to left"]


class _InZones(FrozenModel):
    zones: tuple[str, ...] = Field(
        min_length=1, description="zone ids, on whichever camera they are"
    )
    classes: tuple[ClassName, ...] = Field(
        default=("person",), min_length=1, description="what is looked for"
    )
    by: Literal["foot", "share"] = Field(
        default="foot",
        description="foot: the middle of the box's lower edge is in the zone; "
        "share: at least min_share of the box is",
    )
    min_share: float = Field(default=0.5, gt=0, le=1, description="with by: share")


class Present(_InZones):
    """Somebody or something is in a zone."""


class Absent(_InZones):
    """Nobody of the classes is in any of the zones: the pharmacist's desk stands empty."""


class AtLeast(_InZones):
    """At least so many are in the zones at once."""

    count: int = Field(ge=1, description="how many")


class Stationary(_InZones):
    """Something in a zone does not move: a parked vehicle, a thing left behind."""

    max_shift: float = Field(
        default=0.3,
        gt=0,
        le=5,
        description="it still counts as standing when its middle stays within this share of its "
        "box's longer side",
    )


class LineCrossed(FrozenModel):
    """Somebody crosses a line and is beyond it; seen from its first to its last point."""

    lines: tuple[str, ...] = Field(
        min_length=1, description="line ids, on whichever camera they are"
    )
    classes: tuple[ClassName, ...] = Field(
        default=("person",), min_length=1, description="what is looked for"
    )
    direction: Direction = Field(
        default="either", description="sides as seen looking from the first point to the last"
    )


class Condition(FrozenModel):
    """One condition: exactly one of these settings; docs/reference/rules.md has examples."""

    present: Present | None = Field(default=None, description="whoever is in a zone")
    absent: Absent | None = Field(default=None, description="nobody is in the zones")
    at_least: AtLeast | None = Field(default=None, description="so many are in the zones")
    stationary: Stationary | None = Field(default=None, description="what stands in a zone")
    line_crossed: LineCrossed | None = Field(default=None, description="who crosses a line")
    all: tuple[Condition, ...] | None = Field(
        default=None, min_length=1, description="all of them hold for the same subject"
    )
    any: tuple[Condition, ...] | None = Field(
        default=None, min_length=1, description="at least one of them holds"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            known = ", ".join(type(self).model_fields)
            raise ValueError(f"needs exactly one of {known}; got {', '.join(given) or 'none'}")
        return self

    def parts(self) -> tuple[Condition, ...]:
        """Return the conditions that this one is made of; () for a plain one."""
        return self.all or self.any or ()

    def places(self) -> tuple[str, ...]:
        """List the ids of the zones and lines that it names, its parts' included."""
        plain = self.present or self.absent or self.at_least or self.stationary
        own = plain.zones if plain else self.line_crossed.lines if self.line_crossed else ()
        return own + tuple(place for part in self.parts() for place in part.places())

    def class_names(self) -> frozenset[str]:
        """Name the classes that it looks for, its parts' included."""
        plain = self.present or self.absent or self.at_least or self.stationary or self.line_crossed
        own = frozenset(plain.classes) if plain else frozenset()
        return own.union(*(part.class_names() for part in self.parts()))

    def class_sets(self) -> tuple[frozenset[str], ...]:
        """List the classes that each plain condition in it looks for, any of which will do."""
        if parts := self.parts():
            return tuple(each for part in parts for each in part.class_sets())
        return (self.class_names(),)

    def seen_by(self, camera: Camera) -> Condition | None:
        """Return what of it one camera can judge; None: nothing, for it shows none of the places.

        Of `any` that is the parts whose places it shows; of `all` every part, or nothing.
        """
        if self.all is not None:
            parts = [part.seen_by(camera) for part in self.all]
            seen = tuple(part for part in parts if part is not None)
            return self.model_copy(update={"all": seen}) if len(seen) == len(parts) else None
        if self.any is not None:
            seen = tuple(part for each in self.any if (part := each.seen_by(camera)) is not None)
            return self.model_copy(update={"any": seen}) if seen else None
        shown = camera.lines if self.line_crossed is not None else camera.zones
        return self if {place.id for place in shown}.intersection(self.places()) else None
