"""From a rule's settings to the condition that looks at one camera."""

from __future__ import annotations

from domain.conditions import Condition as Settings
from domain.errors import Stop
from domain.site import Camera
from flows.conditions.areas import areas_of
from flows.conditions.condition import Condition
from flows.conditions.crowd import AbsentCondition, AtLeastCondition
from flows.conditions.line_crossed import LineCrossedCondition
from flows.conditions.present import PresentCondition
from flows.conditions.stationary import StationaryCondition
from flows.conditions.together import TogetherCondition


def build_condition(settings: Settings, camera: Camera) -> Condition | None:
    """The condition for one camera; None where the camera has none of its zones and lines.

    Raises:
        Stop: a zone crosses itself or has no area.
    """
    if settings.parts():
        return _together(settings, camera)
    if settings.line_crossed is not None:
        return _line(settings, camera)
    plain = settings.present or settings.absent or settings.at_least or settings.stationary
    if plain is None:
        raise Stop("a condition without settings; domain/conditions.py should have refused it")
    areas = areas_of(camera, plain.zones, plain.by, plain.min_share)
    if not areas:
        return None
    if settings.absent is not None:
        return AbsentCondition(areas, plain.classes)
    if settings.at_least is not None:
        return AtLeastCondition(areas, plain.classes, settings.at_least.count)
    if settings.stationary is not None:
        return StationaryCondition(areas, plain.classes, settings.stationary.max_shift)
    return PresentCondition(areas, plain.classes)


def _line(settings: Settings, camera: Camera) -> Condition | None:
    wanted = settings.line_crossed
    assert wanted is not None
    lines: list[Condition] = [
        LineCrossedCondition(line.id, line.points, wanted.classes, wanted.direction)
        for line in camera.lines
        if line.id in wanted.lines
    ]
    if len(lines) > 1:
        return TogetherCondition(lines, needs_all=False)
    return lines[0] if lines else None


def _together(settings: Settings, camera: Camera) -> Condition | None:
    built = [build_condition(part, camera) for part in settings.parts()]
    parts = [part for part in built if part is not None]
    # "all" on a camera that sees only some of the places can never be decided there
    if not parts or (settings.all is not None and len(parts) < len(built)):
        return None
    return TogetherCondition(parts, needs_all=settings.all is not None)
