"""Everybody whom the detector finds in a picture, and which of the boxes are the subject's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Protocol, Self

import numpy as np

from domain.classes import COCO_IDS
from domain.detections import Detections
from domain.events import Box
from domain.frames import FrameStamp, SampledFrame
from models.person_detector.preprocess import squeeze

# half of what a rule asks for: a mask on a lamp post does no harm
MIN_SCORE = 0.15
# at low scores the detector also draws boxes around whole groups, and over half the picture
SURE_SCORE = 0.5
TALLEST, WIDEST = 0.6, 1.3  # of the picture's height; of the box's own height
# The detector sees 300 x 300 pixels of whatever it is given: people smaller than a tenth of the
# picture are found in parts of it. Parts overlap by a half, so that each person is whole in one.
STEPS = (0.0, 0.25, 0.5)
PART = 0.5
# a box is the subject's where it covers the same place ..
SAME_IOU = 0.45
# .. or lies within it: the detector also gives somebody's upper half a box of its own
INSIDE_SHARE, INSIDE_HEIGHT = 0.8, 0.5
# a box that ends this close to the border of its part goes on behind it
CUT_PX = 3

_PERSON = COCO_IDS["person"]
_NO_CAMERA, _NO_TIME = "", datetime(1970, 1, 1, tzinfo=UTC)


class FindsPeople(Protocol):
    """Where people are in pictures (models/serving's Detector)."""

    def detect(self, frames: Sequence[SampledFrame]) -> list[Detections]:
        """One answer for each, in order. Raises TryAgain while the server is away."""


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class People:
    """Boxes of everybody found in one picture; one person may have several."""

    boxes_xyxy: np.ndarray  # (n, 4) float64, pixels
    is_cut: np.ndarray  # (n,) bool: the box ends where the part of the picture ended

    @classmethod
    def nobody(cls) -> Self:
        """Nobody was found."""
        return cls(np.empty((0, 4)), np.empty(0, bool))

    def keep(self, rows: np.ndarray) -> People:
        """Some of them; `rows` is (n,) bool."""
        return People(self.boxes_xyxy[rows], self.is_cut[rows])


def find_people(
    images_rgb: Sequence[np.ndarray],
    detector: FindsPeople,
    *,
    steps: Sequence[float] = STEPS,
    part: float = PART,
) -> list[People]:
    """Everybody found in each picture.

    Args:
        images_rgb: (h, w, 3) uint8 each.
        steps, part: overlapping parts that are looked at beside the whole: where each begins and
            how large it is, as shares of the picture; no steps, the whole alone.
    """
    parts = [
        (number, region, image[region[1] : region[3], region[0] : region[2]])
        for number, image in enumerate(images_rgb)
        for region in _parts(image, steps, part)
    ]
    answers = detector.detect([_framed(each) for _, _, each in parts])
    found: list[list[People]] = [[] for _ in images_rgb]
    for (number, region, _), answer in zip(parts, answers, strict=True):
        found[number].append(_people_of(answer, region, images_rgb[number].shape[0]))
    return [together(each) for each in found]


def people_in(seen: Detections, picture_height_px: int) -> np.ndarray:
    """(n, 4) float64 boxes of who may be a person in an answer, groups drawn as one left out."""
    boxes, scores = seen.boxes_xyxy.astype(np.float64), seen.scores
    wide, high = (boxes[:, 2:] - boxes[:, :2]).T
    fits = (high <= TALLEST * picture_height_px) & (wide <= WIDEST * high)
    people: np.ndarray = boxes[
        (seen.class_ids == _PERSON) & (scores >= MIN_SCORE) & (fits | (scores >= SURE_SCORE))
    ]
    return people


def together(found: Sequence[People]) -> People:
    """All of them as one."""
    if not found:
        return People.nobody()
    return People(
        np.concatenate([each.boxes_xyxy for each in found]),
        np.concatenate([each.is_cut for each in found]),
    )


def is_subjects_own(people: People, subject_xyxy: Box) -> np.ndarray:
    """Which boxes are the subject's own.

    Somebody who stands so close that the boxes nearly coincide counts as the subject: their face is
    hidden like the subject's, the rest of them is not.

    Returns:
        (n,) bool.
    """
    boxes = people.boxes_xyxy
    shared, area = _shared(boxes, subject_xyxy), _areas(boxes)
    inside = (shared > INSIDE_SHARE * area) & (area > 0)
    tall = boxes[:, 3] - boxes[:, 1] >= INSIDE_HEIGHT * (subject_xyxy[3] - subject_xyxy[1])
    own: np.ndarray = (overlap(boxes, subject_xyxy) > SAME_IOU) | (inside & (tall | people.is_cut))
    return own


def find_subject_again(people: People, others: People, subject_xyxy: Box) -> Box | None:
    """The subject's box a moment earlier or later, when it may have moved by its own width.

    Args:
        people: everybody at that moment.
        others: everybody but the subject in the picture where the subject is known.
    Returns:
        the box that overlaps the subject's most, unless it fits somebody else better; else None.
    """
    likeness = overlap(people.boxes_xyxy, subject_xyxy)
    if not len(likeness) or likeness.max() <= 0:
        return None
    row = int(likeness.argmax())
    x0, y0, x1, y1 = people.boxes_xyxy[row].tolist()
    rivals = overlap(others.boxes_xyxy, (x0, y0, x1, y1))
    return None if len(rivals) and rivals.max() > likeness[row] else (x0, y0, x1, y1)


def overlap(boxes_xyxy: np.ndarray, box: Box) -> np.ndarray:
    """(n,) intersection over union of each of (n, 4) boxes with one."""
    shared = _shared(boxes_xyxy, box)
    union = _areas(boxes_xyxy) + _areas(np.array([box]))[0] - shared
    share: np.ndarray = shared / np.maximum(union, 1e-9)
    return share


def _shared(boxes: np.ndarray, box: Box) -> np.ndarray:
    one = np.array(box, np.float64)
    corner, far = np.maximum(boxes[:, :2], one[:2]), np.minimum(boxes[:, 2:], one[2:])
    area: np.ndarray = np.prod(np.maximum(far - corner, 0), axis=1)
    return area


def _areas(boxes: np.ndarray) -> np.ndarray:
    area: np.ndarray = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    return area


def _parts(
    image: np.ndarray, steps: Sequence[float], part: float
) -> Iterator[tuple[int, int, int, int]]:
    height, width = image.shape[:2]
    yield 0, 0, width, height
    for y in steps:
        for x in steps:
            left, top = int(x * width), int(y * height)
            yield left, top, left + max(1, int(part * width)), top + max(1, int(part * height))


def _framed(part: np.ndarray) -> SampledFrame:
    height, width = part.shape[:2]
    stamp = FrameStamp(_NO_CAMERA, 0, Fraction(1), 0.0, _NO_TIME, width, height)
    return SampledFrame(stamp, squeeze(np.ascontiguousarray(part)))


def _people_of(
    seen: Detections, region: tuple[int, int, int, int], picture_height_px: int
) -> People:
    people = people_in(seen, picture_height_px)
    size = np.array([region[2] - region[0], region[3] - region[1]])
    is_cut = np.any((people[:, :2] <= CUT_PX) | (people[:, 2:] >= size - CUT_PX), axis=1)
    return People(people + np.array([*region[:2], *region[:2]], np.float64), is_cut)
