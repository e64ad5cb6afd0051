"""Choose whose likeness is asked for: whoever is new, a few times, and everybody now and then.

The model that tells people apart costs a third of the detector's work for each person, and what it says
of somebody is personal data. So it is asked about those only who stand where a rule looks, and not about
every box. What is at one place from frame to frame is taken for one person: by overlap,
before anybody has a number, for pixels end with the detect step. Whoever comes up there, or free of others, after
a moment may be somebody else: they are asked about again, as often as it takes to know them by it.

After a restart places are new again, and more is asked than was; who follows people goes by the same
times (flows/tracking/likeness_times.py) and takes of it what it would have taken without one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from domain.detections import Detections
from domain.site.views import View
from flows.tracking.clear_views import is_alone, is_whole, looked_at
from flows.tracking.likeness_times import ENOUGH_VIEWS, FIRST_VIEWS, is_due
from flows.tracking.matching import assign, drop_duplicates, widened_overlaps

PERSON = 1  # COCO's category id
MIN_SCORE = 0.3
WEAK_SCORE = 0.2  # who is seen weakly can still stand in front of somebody
DUPLICATE_IOU = 0.45  # as people are followed
SAME_PLACE_IOU = 0.15  # of boxes widened by so many heights, to the sides by half of that:
STILL, WALK_PER_S = 0.1, 0.8
FORGET_AFTER_S = 2.0
# not seen clearly for longer, and in so many frames: then it may be somebody else, asked about so often at most
UNSURE_AFTER_S, UNSURE_AFTER_FRAMES, STILL_ASKED = 0.5, 2, FIRST_VIEWS - ENOUGH_VIEWS
LEAST_AGE_S = 0.4  # who is there for a moment only is nobody whom a rule warns
NEAR = (
    0.05  # of the picture's sides: whose feet are so near to where rules look are asked about, too
)
MOST_AT_ONCE = 3  # of a frame: a group that comes in must not hold the camera up


@dataclass(slots=True)
class _Place:
    """Where somebody is, and how often they were asked about."""

    box_xyxy: np.ndarray
    began_s: float
    seen_s: float
    clear_s: float  # when they were last seen whole and alone,
    clear_frame: int  # and in which of the camera's frames
    asked: int = 0
    asked_s: float = 0.0  # the last time

    def come_clear(self, at_s: float, frame: int) -> None:
        """Note a clear view; the first in a while may be of somebody else."""
        missed = frame - self.clear_frame - 1
        if missed >= UNSURE_AFTER_FRAMES and at_s - self.clear_s > UNSURE_AFTER_S:
            self.asked = min(self.asked, STILL_ASKED)
        self.clear_s, self.clear_frame = at_s, frame


@dataclass(slots=True)
class _Camera:
    run: str
    frame: int = 0  # how many were looked at
    places: list[_Place] = field(default_factory=list)


class LikenessViews:
    """Remembers the places of each camera's last seconds; frames come in order."""

    def __init__(self, areas_of: Callable[[str], Sequence[View]] = lambda camera_id: ()) -> None:
        """Begin with nobody; `areas_of` says where rules look for people's feet, (): everywhere."""
        self._areas_of = areas_of
        self._cameras: dict[str, _Camera] = {}

    def choose(self, seen: Detections) -> np.ndarray:
        """Return the rows, (k,) int64, of the people whose likeness is to be asked for."""
        camera = self._cameras.get(seen.frame.camera_id)
        if camera is None or camera.run != seen.frame.run:
            camera = self._cameras[seen.frame.camera_id] = _Camera(seen.frame.run)
        camera.frame += 1
        at_s = seen.frame.captured_at.timestamp()
        camera.places = [p for p in camera.places if 0 <= at_s - p.seen_s <= FORGET_AFTER_S]
        rows = np.flatnonzero((seen.class_ids == PERSON) & (seen.scores >= WEAK_SCORE))
        if not len(rows):
            return rows
        kinds = np.zeros(len(rows), np.int64)
        rows = rows[drop_duplicates(seen.boxes_xyxy[rows], seen.scores[rows], kinds, DUPLICATE_IOU)]
        boxes = seen.boxes_xyxy[rows]
        clear = is_whole(boxes, looked_at(seen)) & is_alone(boxes, boxes)
        clear &= (seen.scores[rows] >= MIN_SCORE) & self._counts(seen, boxes)
        places = _places_of(camera, boxes, at_s)
        for place, is_clear in zip(places, clear, strict=True):
            if is_clear:
                place.come_clear(at_s, camera.frame)
        due = [
            (int(row), place)
            for row, place, is_clear in zip(rows, places, clear, strict=True)
            if is_clear
            and at_s - place.began_s >= LEAST_AGE_S
            and is_due(place.asked, place.asked_s, at_s)
        ]
        chosen = sorted(due, key=lambda each: each[1].asked)[:MOST_AT_ONCE]
        for _, place in chosen:
            place.asked, place.asked_s = place.asked + 1, at_s
        return np.array([row for row, _ in chosen], np.int64)

    def _counts(self, seen: Detections, boxes_xyxy: np.ndarray) -> np.ndarray:
        """Tell who stands where some rule looks, or near it, (n,) bool."""
        areas = np.array(self._areas_of(seen.frame.camera_id)).reshape(-1, 4)
        if not len(areas):
            return np.ones(len(boxes_xyxy), bool)
        across = (boxes_xyxy[:, 0] + boxes_xyxy[:, 2]) / 2 / seen.frame.width_px
        down = boxes_xyxy[:, 3] / seen.frame.height_px
        left, top, right, bottom = (areas + NEAR * np.array([-1, -1, 1, 1])).T[:, :, None]
        inside = (left <= across) & (across <= right) & (top <= down) & (down <= bottom)
        return np.asarray(inside.any(axis=0))


def _places_of(camera: _Camera, boxes_xyxy: np.ndarray, at_s: float) -> list[_Place]:
    """Give each box the place that it fits, or one of its own."""
    known = camera.places
    boxes = boxes_xyxy.astype(np.float64)
    there = np.array([place.box_xyxy for place in known], np.float64).reshape(-1, 4)
    gaps_s = np.array([at_s - place.seen_s for place in known])
    margins_px = (STILL + WALK_PER_S * gaps_s) * (there[:, 3] - there[:, 1])
    misfit = 1 - widened_overlaps(there, boxes, margins_px)
    place_of = {column: known[row] for row, column in assign(misfit, 1 - SAME_PLACE_IOU)}
    places = [
        place_of.get(column) or _Place(box, at_s, at_s, at_s, camera.frame)
        for column, box in enumerate(boxes)
    ]
    for place, box in zip(places, boxes, strict=True):
        place.box_xyxy, place.seen_s = box, at_s
    camera.places = [*(place for place in known if place.seen_s < at_s), *places]
    return places
