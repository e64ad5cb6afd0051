"""A detector that needs no model: it sees painted persons. It keeps the real one's promises.

tests/models/test_detector_contract.py runs the same tests against both.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from domain.detections import Detections
from domain.frames import SampledFrame
from models.person_detector.postprocess import MIN_SCORE, PERSON
from models.person_detector.preprocess import SIDE_PX
from models.serving.client import check_frame

PAINT_RGB = (255, 0, 255)
SCORE = 0.9


def paint_person(image_rgb: np.ndarray, box_xyxy: tuple[int, int, int, int]) -> None:
    """Paint a person that FakeDetector sees; painted persons must not touch.

    Args:
        image_rgb: (300, 300, 3) uint8, changed in place.
        box_xyxy: pixels of that picture; right and bottom are the first not painted.
    """
    left, top, right, bottom = box_xyxy
    image_rgb[top:bottom, left:right] = PAINT_RGB


class FakeDetector:
    """Sees each painted rectangle as a person with score 0.9."""

    def __init__(self, *, min_score: float = MIN_SCORE) -> None:
        self._min_score = min_score

    def detect(self, frames: Sequence[SampledFrame]) -> list[Detections]:
        """Look at frames; one answer for each, in order. See Detector.detect."""
        for frame in frames:
            check_frame(frame, SIDE_PX)
        return [self._look(frame) for frame in frames]

    def _look(self, frame: SampledFrame) -> Detections:
        painted = np.all(frame.image_rgb == PAINT_RGB, axis=2).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(painted)
        left, top, width, height = stats[1:, :4].T.astype(np.float32)
        boxes = np.stack([left, top, left + width, top + height], axis=1)
        stamp = frame.stamp
        to_pixels = np.array([stamp.width_px, stamp.height_px] * 2, np.float32) / SIDE_PX
        n = len(boxes) if self._min_score <= SCORE else 0
        return Detections(
            frame=stamp,
            boxes_xyxy=(boxes * to_pixels)[:n].astype(np.float32),
            scores=np.full(n, SCORE, np.float32),
            class_ids=np.full(n, PERSON, np.int64),
        )
