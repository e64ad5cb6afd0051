"""Ask for the likeness of people in a batch of frames: cut them out, describe them, join the answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import structlog

from domain.detections import Detections
from domain.errors import TryAgain
from domain.frames import SampledFrame
from flows.detection.likeness_views import LikenessViews

log = structlog.get_logger()

SIZE = 256
LOOK_AGAIN_AFTER_S = 300.0  # for a model that the server did not have, or refused


class PersonDescriber(Protocol):
    """Describes crops of persons; models/serving has the one that asks Triton."""

    def describe(self, crops_rgb: Sequence[np.ndarray]) -> np.ndarray:
        """Return (n, 256) float32 of unit length; raises TryAgain when the server is away."""


@dataclass(frozen=True, slots=True)
class WantedLikeness:
    """People of a batch of frames whose likeness is asked for."""

    crops_rgb: list[np.ndarray]  # each (h, w, 3) uint8
    rows: list[tuple[int, int]]  # for each, its frame in the batch and its row there

    def joined_to(self, answers: Sequence[Detections], vectors: np.ndarray) -> list[Detections]:
        """Return the answers with the vectors of those who were asked for."""
        joined = list(answers)
        for (number, row), vector in zip(self.rows, vectors, strict=True):
            likeness = joined[number].likeness
            if likeness is None:
                likeness = np.zeros((len(joined[number]), SIZE), np.float16)
                joined[number] = replace(joined[number], likeness=likeness)
            likeness[row] = vector
        return joined


@dataclass(eq=False)
class LikenessTaker:
    """Takes the likeness of whoever is new, where the server has the model for it.

    Nothing of it can hold up detection: whatever goes wrong but a server that is away is logged, and
    people are told apart by colours until the model is looked for again.
    """

    # returns None where the server has no such model; may raise TryAgain
    find: Callable[[], PersonDescriber | None]
    views: LikenessViews = field(default_factory=LikenessViews)
    _describer: PersonDescriber | None = None
    _told: str = ""  # by what people are told apart, as last logged
    _look_again_s: float = 0.0

    def choose(
        self, frames: Sequence[SampledFrame], answers: Sequence[Detections]
    ) -> WantedLikeness:
        """Choose whose likeness is worth asking for, and cut them out."""
        wanted = WantedLikeness([], [])
        if self._describer is None and time.monotonic() < self._look_again_s:
            return wanted
        for number, (frame, seen) in enumerate(zip(frames, answers, strict=True)):
            for row in self.views.choose(seen).tolist():
                wanted.crops_rgb.append(crop_of(frame, seen.boxes_xyxy[row]))
                wanted.rows.append((number, row))
        return wanted

    def describe(self, wanted: WantedLikeness) -> np.ndarray | None:
        """Return their vectors, (k, 256) float32; None: there is no model.

        Raises:
            TryAgain: the server is away.
        """
        vectors = None
        try:
            self._describer = self._describer or self.find()
            if self._describer is not None:
                vectors = self._describer.describe(wanted.crops_rgb)
        except TryAgain:
            raise
        except Exception:
            log.exception("likeness_not_taken", people=len(wanted.rows))
            self._describer = None
        self._tell("colours" if vectors is None else "model")
        if vectors is None:
            self._look_again_s = time.monotonic() + LOOK_AGAIN_AFTER_S
        return vectors

    def _tell(self, by: str) -> None:
        if by != self._told:
            log.info("people_told_apart", by=by)
        self._told = by


def crop_of(frame: SampledFrame, box_xyxy: np.ndarray) -> np.ndarray:
    """Cut a box (pixels of the decoded frame) out of the picture that shows it whole and largest.

    (h, w, 3) uint8, one pixel at least.
    """
    x1, y1, x2, y2 = box_xyxy.tolist()
    left, top, image = 0, 0, frame.image_rgb
    width, height = frame.stamp.width_px, frame.stamp.height_px
    for look in frame.close_looks:
        right, bottom = look.left_px + look.width_px, look.top_px + look.height_px
        shows_it = look.left_px <= x1 and look.top_px <= y1 and x2 <= right and y2 <= bottom
        if shows_it and look.width_px < width:
            left, top, image = look.left_px, look.top_px, look.image_rgb
            width, height = look.width_px, look.height_px
    across, down = image.shape[1] / width, image.shape[0] / height
    columns = _span((x1 - left) * across, (x2 - left) * across, image.shape[1])
    rows = _span((y1 - top) * down, (y2 - top) * down, image.shape[0])
    return image[rows, columns]


def _span(low: float, high: float, limit: int) -> slice:
    start = min(max(round(low), 0), limit - 1)
    return slice(start, min(max(round(high), start + 1), limit))
