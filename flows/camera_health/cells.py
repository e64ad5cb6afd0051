"""Tell which cells of a camera's picture its zones and lines lie in, and which somebody is seen in."""

from __future__ import annotations

import numpy as np
import shapely

from domain.coco_classes import COCO_IDS
from domain.detections import Detections
from domain.picture_digest import CELL_SIDE
from domain.site.cameras import Camera
from flows.conditions.areas import polygon_of

FEWEST_SHARE = 0.05  # of a cell that a zone covers: less is a touch
SURE_SCORE = 0.5
KNOWN_CLASSES = ("person", "bicycle", "car", "motorcycle", "bus", "train", "truck")
_KNOWN_IDS = np.array([COCO_IDS[name] for name in KNOWN_CLASSES])
_EDGES = np.arange(CELL_SIDE) / CELL_SIDE
_MIDDLES = _EDGES + 0.5 / CELL_SIDE


def cells_by_place(camera: Camera) -> dict[str, np.ndarray]:
    """Return (20, 20) bool for each zone and line, by its id.

    Raises:
        Stop: a zone crosses itself or has no area.
    """
    left, top = np.meshgrid(_EDGES, _EDGES)
    cells = shapely.box(left, top, left + 1 / CELL_SIDE, top + 1 / CELL_SIDE)
    fewest = FEWEST_SHARE / CELL_SIDE**2
    zones = {
        zone.id: shapely.area(shapely.intersection(cells, polygon_of(camera.id, zone))) > fewest
        for zone in camera.zones
    }
    lines = {
        line.id: shapely.intersects(cells, shapely.LineString(line.points)) for line in camera.lines
    }
    return zones | lines


def occupied_cells(seen: Detections) -> np.ndarray:
    """Return (20, 20) bool: the cells whose middle lies in the box of a person or vehicle that is surely there."""
    is_sure = (seen.scores >= SURE_SCORE) & np.isin(seen.class_ids, _KNOWN_IDS)
    size = np.array([seen.frame.width_px, seen.frame.height_px] * 2)
    x1, y1, x2, y2 = (seen.boxes_xyxy[is_sure] / size).T[:, :, None]
    across = (x1 <= _MIDDLES) & (x2 >= _MIDDLES)
    down = (y1 <= _MIDDLES) & (y2 >= _MIDDLES)
    occupied: np.ndarray = (down[:, :, None] & across[:, None, :]).any(axis=0)
    return occupied
