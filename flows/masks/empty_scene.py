"""Learn what one camera shows where nobody is: the only thing that a live tile shows sharply.

A pixel counts as known once it has looked the same for ten seconds, those left out in which somebody's
box was over it. What is not known, and what differs from what is known, is to be hidden, whether or
not anybody was found.
"""

from __future__ import annotations

import cv2
import numpy as np

from flows.masks.background import GROWN_PX, LEAST_DIFFERENCE, shrink

LEARN_EVERY_S = 0.5
# looks that have to agree before a pixel that was never known is believed: 10 s
LOOKS_TO_KNOW = 20
# .. and before something new, a parked car or somebody whom nobody found, belongs to the scene: 5 min
LOOKS_TO_REPLACE = 600
DISAGREED = 4  # who walks by takes away so many of them
# of 255: noise and compression stay below
SAME = 14
# of what is known: so much does not move at once, the camera was turned or its light switched
OTHER_SCENE_SHARE = 0.6
OTHER_SCENE_LOOKS = 4
MOST_LIGHT_SHIFT = 40
GROWN = 2 * GROWN_PX + 1


class EmptyScene:
    """Learns from pictures of one camera; belongs to one thread."""

    def __init__(self) -> None:
        self._usual: np.ndarray = np.zeros((0, 0, 3), np.uint8)
        self._is_known: np.ndarray = np.zeros((0, 0), bool)
        self._wish: np.ndarray = self._usual  # what each pixel showed at the last looks ..
        self._agreed: np.ndarray = np.zeros((0, 0), np.uint16)  # .. and for how many of them
        self._learnt_at_s: float | None = None
        self._looks_elsewhere = 0

    @property
    def known_share(self) -> float:
        """Return the share of the picture that is known, in [0, 1]."""
        return float(self._is_known.mean()) if self._is_known.size else 0.0

    def unlike(self, image: np.ndarray, boxes_xyxy: np.ndarray, at_s: float) -> np.ndarray:
        """Find where a picture shows anything but the scene, as (h, w) bool; learns from it, too.

        Args:
            image: (h, w, 3) uint8, colours in any order, the same each time.
            boxes_xyxy: (n, 4) people, pixels of this picture: nothing is learnt there.
            at_s: the picture's time; any clock that goes on.
        """
        small = shrink(image)
        if small.shape != self._usual.shape:
            self._forget(small)
        differs = self._differing(small)
        self._notice_another_scene(small, differs)
        if self._learnt_at_s is None or abs(at_s - self._learnt_at_s) >= LEARN_EVERY_S:
            self._learnt_at_s = at_s
            self._learn(small, _inside(boxes_xyxy, small, image), differs)
        # single pixels are edges that flicker; who is somebody covers more
        moving = cv2.dilate(_without_specks(differs, 2), np.ones((GROWN, GROWN), np.uint8))
        hidden = cv2.max(moving, _without_specks(~self._is_known, 3))
        height, width = image.shape[:2]
        whole = cv2.resize(hidden, (width, height), interpolation=cv2.INTER_NEAREST)
        return whole.astype(bool)

    def _differing(self, small: np.ndarray) -> np.ndarray:
        """Return known pixels that do not look as usual; light that changed everywhere is left aside."""
        known = self._is_known[::4, ::4]
        sample = small[::4, ::4][known].astype(np.int16) - self._usual[::4, ::4][known]
        usual = self._usual
        if len(sample):
            shift = np.median(sample, axis=0).clip(-MOST_LIGHT_SHIFT, MOST_LIGHT_SHIFT)
            if shift.any():
                usual = (usual + shift.astype(np.int16)).clip(0, 255).astype(np.uint8)
        differs: np.ndarray = (_distance(small, usual) > LEAST_DIFFERENCE) & self._is_known
        return differs

    def _notice_another_scene(self, small: np.ndarray, differs: np.ndarray) -> None:
        known = int(self._is_known.sum())
        is_other = known > 0 and int(differs.sum()) > OTHER_SCENE_SHARE * known
        self._looks_elsewhere = self._looks_elsewhere + 1 if is_other else 0
        if self._looks_elsewhere >= OTHER_SCENE_LOOKS:
            self._forget(small)

    def _forget(self, small: np.ndarray) -> None:
        self._usual, self._wish = small.copy(), small.copy()
        self._is_known = np.zeros(small.shape[:2], bool)
        self._agreed = np.zeros(small.shape[:2], np.uint16)
        self._looks_elsewhere = 0

    def _learn(self, small: np.ndarray, occupied: np.ndarray, differs: np.ndarray) -> None:
        agrees = _distance(small, self._wish) <= SAME
        counted = np.minimum(self._agreed, 60_000) + np.where(agrees, 1, -DISAGREED)
        self._agreed = np.where(occupied, self._agreed, counted.clip(0)).astype(np.uint16)
        another = (self._agreed == 0) & ~occupied
        self._wish[another] = small[another]
        needed = np.where(self._is_known, LOOKS_TO_REPLACE, LOOKS_TO_KNOW)
        fresh = (self._agreed >= needed) & (differs | ~self._is_known)
        self._usual[fresh] = self._wish[fresh]
        self._is_known |= fresh
        # daylight wanders: known pixels follow by one step a look
        follows = (self._is_known & ~differs & ~occupied).astype(np.uint8)
        steps = cv2.merge([follows] * 3)
        up = cv2.min(cv2.subtract(small, self._usual), steps)
        down = cv2.min(cv2.subtract(self._usual, small), steps)
        self._usual = np.asarray(cv2.subtract(cv2.add(self._usual, up), down), np.uint8)


def _without_specks(mask: np.ndarray, side_px: int) -> np.ndarray:
    """Return (h, w) uint8, 0 or 1: a (h, w) mask without what is smaller than a square of that side."""
    kernel = np.ones((side_px, side_px), np.uint8)
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel))


def _distance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return (h, w) uint8: how far apart the colours are, in the channel that differs most."""
    blue, green, red = cv2.split(cv2.absdiff(one, other))
    return np.asarray(cv2.max(cv2.max(blue, green), red))


def _inside(boxes_xyxy: np.ndarray, small: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return (h, w) bool of the small picture: where (n, 4) boxes, pixels of the image, lie."""
    scale = small.shape[1] / image.shape[1]
    occupied = np.zeros(small.shape[:2], bool)
    for x1, y1, x2, y2 in (boxes_xyxy * scale).tolist():
        occupied[max(0, int(y1)) : max(0, int(y2) + 1), max(0, int(x1)) : max(0, int(x2) + 1)] = (
            True
        )
    return occupied
