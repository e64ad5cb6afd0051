"""Who stands in which zone: the foot of the box against the polygon on the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from domain.errors import Stop
from domain.frames import FrameStamp
from domain.site import Rule, Site, Zone
from domain.tracks import TrackedFrame


@dataclass(frozen=True, slots=True)
class Seen:
    """One person in one frame, as a rule sees them."""

    track_id: int
    score: float
    box_xyxy: tuple[float, float, float, float]
    is_inside: bool


@dataclass(frozen=True, slots=True)
class Presence:
    """One frame under one rule and zone; `people` may be empty and still says that time went on."""

    frame: FrameStamp
    rule_id: str
    zone_id: str
    people: tuple[Seen, ...]

    @property
    def key(self) -> str:
        """Where the ladder for this presence keeps its state."""
        return f"{self.frame.camera_id}|{self.rule_id}|{self.zone_id}"


class ZoneWatch:
    """Turns the tracked frames of all cameras into presences, one for each rule and zone."""

    def __init__(self, site: Site) -> None:
        self._by_camera = {
            camera.id: [
                (rule, zone.id, _polygon(camera.id, zone))
                for rule in site.rules
                for zone in camera.zones
                if zone.id in rule.zones
            ]
            for camera in site.cameras
        }

    def look(self, tracked: TrackedFrame) -> list[Presence]:
        """Presences of one frame, in the order of the site file's rules."""
        return [
            self._presence(tracked, rule, zone_id, polygon)
            for rule, zone_id, polygon in self._by_camera.get(tracked.frame.camera_id, [])
        ]

    def _presence(
        self, tracked: TrackedFrame, rule: Rule, zone_id: str, polygon: shapely.Polygon
    ) -> Presence:
        stamp = tracked.frame
        foot_x = tracked.boxes_xyxy[:, [0, 2]].mean(axis=1) / stamp.width_px
        foot_y = tracked.boxes_xyxy[:, 3] / stamp.height_px
        inside = np.atleast_1d(shapely.contains_xy(polygon, foot_x, foot_y))
        people = tuple(
            Seen(
                track_id=int(tracked.track_ids[row]),
                score=float(tracked.scores[row]),
                box_xyxy=_box(tracked.boxes_xyxy[row]),
                is_inside=bool(inside[row]),
            )
            for row in range(len(tracked))
            if tracked.scores[row] >= rule.min_score
        )
        return Presence(frame=stamp, rule_id=rule.id, zone_id=zone_id, people=people)


def _box(row: np.ndarray) -> tuple[float, float, float, float]:
    # a hundredth of a pixel is finer than any detector; rounding keeps events readable
    x1, y1, x2, y2 = (round(float(value), 2) for value in row)
    return x1, y1, x2, y2


def _polygon(camera_id: str, zone: Zone) -> shapely.Polygon:
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
