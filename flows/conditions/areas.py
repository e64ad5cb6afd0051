"""Zones and lines of a camera as geometry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from domain.errors import Stop
from domain.site.cameras import Camera, Zone
from flows.conditions.condition import Box, Scene
from flows.conditions.verdict import Verdict


@dataclass(frozen=True, eq=False)
class Area:
    """Know one zone: who is in it."""

    zone_id: str
    polygon: shapely.Polygon  # fractions of the picture
    by: str
    min_share: float

    def verdicts(self, scene: Scene, rows: np.ndarray) -> np.ndarray:
        """Return (k,) int64, values of Verdict: whether those rows are in the zone.

        Where the lower part of somebody is hidden, it is known only if it makes no difference.
        """
        seen = self.contains(scene.boxes[rows])
        verdicts = np.where(seen, int(Verdict.HOLDS), int(Verdict.DOES_NOT_HOLD))
        if scene.are_feet_hidden[rows].any():
            verdicts[seen != self.contains(scene.whole_boxes[rows])] = Verdict.NOT_KNOWN
        return verdicts

    def contains(self, boxes_xyxy: np.ndarray) -> np.ndarray:
        """Return (k,) bool of (k, 4) boxes, fractions of the picture."""
        if not len(boxes_xyxy):
            return np.zeros(0, bool)
        if self.by == "foot":
            x, y = boxes_xyxy[:, [0, 2]].mean(axis=1), boxes_xyxy[:, 3]
            # with its border: a zone up to the picture's edge has those whom the edge cuts off
            return np.atleast_1d(shapely.intersects_xy(self.polygon, x.clip(0, 1), y.clip(0, 1)))
        boxes = shapely.box(*boxes_xyxy.T)
        shares = shapely.area(shapely.intersection(boxes, self.polygon)) / shapely.area(boxes)
        return np.asarray(shares >= self.min_share)

    def box(self, scene: Scene) -> Box:
        """Return the zone's own box, pixels of the frame: for a place that stands for nobody in particular."""
        x1, y1, x2, y2 = self.polygon.bounds
        frame = scene.tracked.frame
        return (
            round(x1 * frame.width_px, 2),
            round(y1 * frame.height_px, 2),
            round(x2 * frame.width_px, 2),
            round(y2 * frame.height_px, 2),
        )


def areas_of(camera: Camera, zone_ids: tuple[str, ...], by: str, min_share: float) -> list[Area]:
    """Return the camera's zones among those named, in its order; raises what `polygon_of` raises."""
    return [
        Area(zone.id, polygon_of(camera.id, zone), by, min_share)
        for zone in camera.zones
        if zone.id in zone_ids
    ]


def polygon_of(camera_id: str, zone: Zone) -> shapely.Polygon:
    """Return the zone as a prepared polygon; raises Stop if it crosses itself or has no area."""
    polygon = shapely.Polygon(zone.polygon)
    if not polygon.is_valid or polygon.area == 0:
        raise Stop(
            f"camera {camera_id!r}, zone {zone.id!r}: needs a polygon with area that does not cross "
            f"itself, got {shapely.is_valid_reason(polygon)}; are the corners in order?"
        )
    shapely.prepare(polygon)
    return polygon
