"""Views for a camera that names none: around the zones and whoever can stand in them.

Somebody who stands in a zone has their feet in it and their body above it, however tall they look: so
what lies far to the sides and below cannot matter, and the detector may be shown the rest larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from domain.site.cameras import Camera
from domain.site.views import View

# of the picture's height, to the sides and below: half a body, and a step to come in by
MARGIN = 0.1
MOST_VIEWS = 2  # each is a question to the detector
LEAST_SIDE_PX = 300  # what the detector takes; a smaller part would only be blown up
WHOLE_SHARE = 0.8  # of the picture; a view that shows more is not worth cutting out

Area = tuple[float, float, float, float]  # left, top, right, bottom; pixels


def views_of(
    camera: Camera, watched_areas: Sequence[View], width_px: int, height_px: int
) -> tuple[View, ...]:
    """Return the parts of upright pictures that the detector is shown; (): the whole, as one.

    The camera may name its views itself; else they are drawn around `Site.watched_areas`.
    """
    if camera.views == "whole":
        return ()
    if camera.views == "automatic":
        return views_around(watched_areas, width_px, height_px)
    return camera.views


def views_around(areas: Sequence[View], width_px: int, height_px: int) -> tuple[View, ...]:
    """Return up to MOST_VIEWS views of zones (left, top, right, bottom; fractions of the picture).

    () where the whole picture does as well.
    """
    needed = [_with_bodies(area, width_px, height_px) for area in areas]
    while len(needed) > 1 and (pair := _pair_to_join(needed, width_px, height_px)):
        one, other = pair
        needed = [area for area in needed if area not in pair] + [_join(one, other)]
    shown = [_squared(area, width_px, height_px) for area in sorted(needed)]
    if any(_pixels(view) > WHOLE_SHARE * width_px * height_px for view in shown):
        return ()
    sides = (width_px, height_px, width_px, height_px)
    return tuple(
        (left / sides[0], top / sides[1], right / sides[2], bottom / sides[3])
        for left, top, right, bottom in shown
    )


def _with_bodies(area: View, width_px: int, height_px: int) -> Area:
    left, _, right, bottom = area
    margin_px = MARGIN * height_px
    return (
        max(0.0, left * width_px - margin_px),
        0.0,
        min(float(width_px), right * width_px + margin_px),
        min(float(height_px), bottom * height_px + margin_px),
    )


def _pair_to_join(
    needed: Sequence[Area], width_px: int, height_px: int
) -> tuple[Area, Area] | None:
    """Return the two that one view shows best; None where views of their own show people larger."""

    def growth(pair: tuple[Area, Area]) -> float:
        joint = _pixels(_squared(_join(*pair), width_px, height_px))
        return joint - sum(_pixels(_squared(area, width_px, height_px)) for area in pair)

    best = min(combinations(needed, 2), key=growth)
    return best if len(needed) > MOST_VIEWS or growth(best) <= 0 else None


def _join(one: Area, other: Area) -> Area:
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


def _squared(area: Area, width_px: int, height_px: int) -> Area:
    """Make a view as wide as high, where the picture has room: else people are squeezed out of shape."""
    left, top, right, bottom = area
    side = max(right - left, bottom - top, LEAST_SIDE_PX)
    wide, high = min(side, width_px), min(side, height_px)
    left = min(max(0.0, (left + right - wide) / 2), width_px - wide)
    top = min(top, height_px - high)
    return left, top, left + wide, top + high


def _pixels(area: Area) -> float:
    left, top, right, bottom = area
    return (right - left) * (bottom - top)
