"""Where on a camera's picture rules look for people's feet: what automatic views are drawn around."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from domain.conditions import Condition
from domain.views import View

if TYPE_CHECKING:
    from domain.site import Camera, Rule

PEOPLE = frozenset(("person",))


def watched_areas(camera: Camera, rules: Iterable[Rule]) -> tuple[View, ...]:
    """(left, top, right, bottom) of each zone that a rule names, as fractions of the picture.

    Returns:
        () where a zone does not say what has to be seen: things are as wide as they like, a line is
        crossed by somebody who has to be seen before and after, and a zone of which a share has to
        be covered does not lie on the ground.
    """
    places = {zone.id for zone in camera.zones} | {line.id for line in camera.lines}
    named = [rule.condition for rule in rules if places.intersection(rule.condition.places())]
    if not all(_looks_for_feet(condition) for condition in named):
        return ()
    wanted = {place for condition in named for place in condition.places()}
    return tuple(_around(zone.polygon) for zone in camera.zones if zone.id in wanted)


def _looks_for_feet(condition: Condition) -> bool:
    if parts := condition.parts():
        return all(_looks_for_feet(part) for part in parts)
    plain = condition.present or condition.absent or condition.at_least
    return plain is not None and plain.by == "foot" and PEOPLE.issuperset(plain.classes)


def _around(polygon: Iterable[tuple[float, float]]) -> View:
    across, down = zip(*polygon, strict=True)
    return min(across), min(down), max(across), max(down)
