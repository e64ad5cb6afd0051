"""Zones and lines of a camera as geometry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from domain.errors import Stop
from domain.site import Camera, Zone
from flows.conditions.condition import Box, Scene


@dataclass(frozen=True, eq=False)
class Area:
    """One zone; asks who is in it."""

    zone_id: str
    polygon: shapely.Polygon  # fractions of the picture
    by: str
    min_share: float

    def holds(self, scene: Scene, rows: np.ndarray) -> np.ndarray:
        """(k,) bool: which of those rows are in the zone."""
        if not len(rows):
            return np.zeros(0, bool)
        if self.by == "foot":
            feet = scene.feet[rows]
            return np.atleast_1d(shapely.contains_xy(self.polygon, feet[:, 0], feet[:, 1]))
        boxes = shapely.box(*scene.boxes[rows].T)
        shares = shapely.area(shapely.intersection(boxes, self.polygon)) / shapely.area(boxes)
        return np.asarray(shares >= self.min_share)

    def box(self, scene: Scene) -> Box:
        """The zone's own box, pixels of the frame: where nobody in particular is meant."""
        x1, y1, x2, y2 = self.polygon.bounds
        frame = scene.tracked.frame
        return (
            round(x1 * frame.width_px, 2),
            round(y1 * frame.height_px, 2),
            round(x2 * frame.width_px, 2),
            round(y2 * frame.height_px, 2),
        )


def areas_of(camera: Camera, zone_ids: tuple[str, ...], by: str, min_share: float) -> list[Area]:
    """The camera's zones among those named, in the site file's order.

    Raises:
        Stop: a zone crosses itself or has no area.
    """
    return [
        Area(zone.id, polygon_of(camera.id, zone), by, min_share)
        for zone in camera.zones
        if zone.id in zone_ids
    ]


def polygon_of(camera_id: str, zone: Zone) -> shapely.Polygon:
    """The zone as a prepared polygon.

    Raises:
        Stop: it crosses itself or has no area.
    """
    polygon = shapely.Polygon(zone.polygon)
    if not polygon.is_valid or polygon.area == 0:
        raise Stop(
            f"camera {camera_id!r}, zone {zone.id!r}: needs a polygon with area that does not cross "
            f"itself, got {shapely.is_valid_reason(polygon)}; are the corners in order?"
        )
    shapely.prepare(polygon)
    return polygon
