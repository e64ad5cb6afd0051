"""Build the condition that looks at one camera out of a rule's settings."""

from __future__ import annotations

from domain.errors import Stop
from domain.site.cameras import Camera
from domain.site.conditions import Condition as Settings
from domain.site.conditions import LineCrossed
from flows.conditions.areas import areas_of
from flows.conditions.condition import Evaluator
from flows.conditions.crowd import AbsentCondition, AtLeastCondition
from flows.conditions.line_crossed import LineCrossedCondition
from flows.conditions.present import PresentCondition
from flows.conditions.stationary import StationaryCondition
from flows.conditions.together import TogetherCondition


def build_condition(settings: Settings, camera: Camera) -> Evaluator | None:
    """Build the condition for one camera; None where the camera has none of its zones and lines.

    Raises:
        Stop: a zone crosses itself or has no area.
    """
    seen = settings.seen_by(camera)
    return None if seen is None else _build(seen, camera)


def _build(settings: Settings, camera: Camera) -> Evaluator:
    if parts := settings.parts():
        built = [_build(part, camera) for part in parts]
        return TogetherCondition(built, needs_all=settings.all is not None)
    if settings.line_crossed is not None:
        return _line(settings.line_crossed, camera)
    plain = settings.present or settings.absent or settings.at_least or settings.stationary
    if plain is None:
        raise Stop("a condition without settings; domain/site/conditions.py should have refused it")
    areas = areas_of(camera, plain.zones, plain.by, plain.min_share)
    if settings.absent is not None:
        return AbsentCondition(areas, plain.classes)
    if settings.at_least is not None:
        return AtLeastCondition(areas, plain.classes, settings.at_least.count)
    if settings.stationary is not None:
        return StationaryCondition(areas, plain.classes, settings.stationary.max_shift)
    return PresentCondition(areas, plain.classes)


def _line(wanted: LineCrossed, camera: Camera) -> Evaluator:
    lines: list[Evaluator] = [
        LineCrossedCondition(line.id, line.points, wanted.classes, wanted.direction)
        for line in camera.lines
        if line.id in wanted.lines
    ]
    return TogetherCondition(lines, needs_all=False) if len(lines) > 1 else lines[0]
