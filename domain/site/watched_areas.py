"""Areas of a picture in which rules look for people's feet; automatic views are drawn around them."""

from __future__ import annotations

from collections.abc import Iterable

from domain.site.cameras import Camera
from domain.site.conditions import Condition
from domain.site.rules import Rule
from domain.site.views import View

PEOPLE = frozenset(("person",))


def watched_areas(camera: Camera, rules: Iterable[Rule]) -> tuple[View, ...]:
    """List each zone that a rule names: (left, top, right, bottom), fractions of the picture.

    Returns:
        () where a zone does not say what has to be seen: things are as wide as they like, a line is
        crossed by somebody who has to be seen before and after, and a zone of which a share has to
        be covered does not lie on the ground.
    """
    judged = [rule.condition.seen_by(camera) for rule in rules]
    conditions = [condition for condition in judged if condition is not None]
    if not all(_looks_for_feet(condition) for condition in conditions):
        return ()
    wanted = {place for condition in conditions for place in condition.places()}
    return tuple(_around(zone.polygon) for zone in camera.zones if zone.id in wanted)


def _looks_for_feet(condition: Condition) -> bool:
    if parts := condition.parts():
        return all(_looks_for_feet(part) for part in parts)
    plain = condition.present or condition.absent or condition.at_least
    return plain is not None and plain.by == "foot" and PEOPLE.issuperset(plain.classes)


def _around(polygon: Iterable[tuple[float, float]]) -> View:
    across, down = zip(*polygon, strict=True)
    return min(across), min(down), max(across), max(down)
