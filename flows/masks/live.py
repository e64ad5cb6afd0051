"""Mask one camera's live tile so that nobody can be recognised: who was found, and all that moves."""

from __future__ import annotations

from collections import deque

import numpy as np

from domain.detections import Detections
from flows.masks.empty_scene import EmptyScene
from flows.masks.people import people_in
from flows.masks.picture import BODY_MARGIN
from flows.masks.pixelate import mask_pixels, mask_regions

# who was found stays hidden so long after: one that is missed in a picture shows nobody
HOLD_S = 1.0


class LiveMask:
    """Knows what one camera usually shows and who was there a moment ago; for one thread."""

    def __init__(self) -> None:
        self._scene = EmptyScene()
        self._found: deque[tuple[float, np.ndarray]] = deque()

    @property
    def is_learning(self) -> bool:
        """Tell whether most of the picture is hidden because the scene is not known yet."""
        return self._scene.known_share < 0.5

    def look(self, seen: Detections) -> None:
        """Take in who was found in a picture, shown or not; call in the order of the pictures."""
        boxes = people_in(seen, seen.frame.height_px) / max(1, seen.frame.width_px)
        now_s = seen.frame.captured_at.timestamp()
        self._found.append((now_s, boxes))
        while abs(now_s - self._found[0][0]) > HOLD_S:
            self._found.popleft()

    def mask(self, image: np.ndarray) -> np.ndarray:
        """Copy the upright (h, w, 3) uint8 picture that was looked at last with everybody hidden."""
        at_s, boxes_now = self._found[-1]
        width = image.shape[1]
        held = _wider(np.concatenate([boxes for _, boxes in self._found]) * width)
        hidden = self._scene.unlike(image, held, at_s)
        for x1, y1, x2, y2 in held.astype(int).clip(0).tolist():
            hidden[y1 : y2 + 1, x1 : x2 + 1] = True
        masked = mask_pixels(image, hidden)
        # bodies in blocks of their own, over the mosaic: where they stand and how can be seen
        bodies = mask_regions(image, boxes_now * width, BODY_MARGIN)
        for x1, y1, x2, y2 in _wider(boxes_now * width).astype(int).clip(0).tolist():
            masked[y1 : y2 + 1, x1 : x2 + 1] = bodies[y1 : y2 + 1, x1 : x2 + 1]
        return masked


def mask_whole(image: np.ndarray) -> np.ndarray:
    """Make a picture that nobody looked at coarse all over."""
    return mask_pixels(image, np.ones(image.shape[:2], bool))


def _wider(boxes_xyxy: np.ndarray) -> np.ndarray:
    size = BODY_MARGIN * (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2])
    wider: np.ndarray = boxes_xyxy + np.concatenate([-size, size], axis=1)
    return wider
