"""Find everybody in a picture, and decide which of the boxes are the subject's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Protocol, Self

import numpy as np

from domain.coco_classes import COCO_IDS
from domain.detections import Detections
from domain.events.catalog import Box
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
TOP_SHARE = 0.1
# weaker, a small box within the subject's is rather its coat or leg than a child before it
PART_SCORE = 0.3
PIECE_INSIDE = 0.4
# a box that ends this close to the border of its part goes on behind it
CUT_PX = 3

_PERSON = COCO_IDS["person"]
_NO_CAMERA, _NO_TIME = "", datetime(1970, 1, 1, tzinfo=UTC)


class PersonFinder(Protocol):
    """Where people are in pictures (models/serving's Detector)."""

    def detect(self, frames: Sequence[SampledFrame]) -> list[Detections]:
        """Return one answer for each frame, in order; raises TryAgain while the server is away."""


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class Pedestrians:
    """Boxes of everybody found in one picture; one person may have several."""

    boxes_xyxy: np.ndarray  # (n, 4) float64, pixels
    is_cut: np.ndarray  # (n,) bool: the box ends where the part of the picture ended
    scores: np.ndarray  # (n,) in [0, 1], as the detector gave them

    @classmethod
    def nobody(cls) -> Self:
        """Return an empty find: (0, 4) boxes."""
        return cls(np.empty((0, 4)), np.empty(0, bool), np.empty(0))

    def keep(self, rows: np.ndarray) -> Pedestrians:
        """Return some of them; `rows` is (n,) bool."""
        return Pedestrians(self.boxes_xyxy[rows], self.is_cut[rows], self.scores[rows])


def find_people(
    images_rgb: Sequence[np.ndarray],
    detector: PersonFinder,
    *,
    steps: Sequence[float] = STEPS,
    part: float = PART,
) -> list[Pedestrians]:
    """Find everybody in each (h, w, 3) uint8 picture; one result for each, in order.

    `steps` are where overlapping parts begin that are looked at beside the whole, as shares of the
    picture, and `part` how large they are, likewise; (): the whole alone.
    """
    parts = [
        (number, region, image[region[1] : region[3], region[0] : region[2]])
        for number, image in enumerate(images_rgb)
        for region in _parts(image, steps, part)
    ]
    answers = detector.detect([_framed(image) for _, _, image in parts])
    by_picture: list[list[Pedestrians]] = [[] for _ in images_rgb]
    for (number, region, _), answer in zip(parts, answers, strict=True):
        by_picture[number].append(_people_of(answer, region, images_rgb[number].shape[0]))
    return [together(people) for people in by_picture]


def people_in(seen: Detections, picture_height_px: int) -> np.ndarray:
    """Pick the boxes of who may be a person; boxes around groups are left out.

    Height of the whole picture and (n, 4) float64 answer in the pixels of `seen`; n may be 0.
    """
    people: np.ndarray = seen.boxes_xyxy[_may_be_people(seen, picture_height_px)].astype(np.float64)
    return people


def _may_be_people(seen: Detections, picture_height_px: int) -> np.ndarray:
    boxes, scores = seen.boxes_xyxy, seen.scores
    wide, high = (boxes[:, 2:] - boxes[:, :2]).T
    fits = (high <= TALLEST * picture_height_px) & (wide <= WIDEST * high)
    is_person = (seen.class_ids == _PERSON) & (scores >= MIN_SCORE)
    return np.asarray(is_person & (fits | (scores >= SURE_SCORE)))


def together(finds: Sequence[Pedestrians]) -> Pedestrians:
    """Join several finds of one picture, in order; nobody where there are none."""
    if not finds:
        return Pedestrians.nobody()
    return Pedestrians(
        np.concatenate([people.boxes_xyxy for people in finds]),
        np.concatenate([people.is_cut for people in finds]),
        np.concatenate([people.scores for people in finds]),
    )


def is_subjects_own(people: Pedestrians, subject_xyxy: Box) -> np.ndarray:
    """Decide which of the n boxes are the subject's own, as (n,) bool; n may be 0.

    Somebody who stands so close that the boxes nearly coincide counts as the subject: their face is
    hidden like the subject's, the rest of them is not.
    """
    boxes = people.boxes_xyxy
    inside = share_inside(boxes, subject_xyxy) > INSIDE_SHARE
    high = subject_xyxy[3] - subject_xyxy[1]
    tall = boxes[:, 3] - boxes[:, 1] >= INSIDE_HEIGHT * high
    # somebody smaller in front stands lower: what begins at the subject's head is the subject
    on_top = reaches_top(boxes, subject_xyxy)
    may_be_part = tall | on_top | people.is_cut | (people.scores < PART_SCORE)
    # of somebody else the whole is found, too; a piece is drawn wider than what is seen of them
    piece = people.is_cut & (share_inside(boxes, subject_xyxy) > PIECE_INSIDE)
    own = (overlap(boxes, subject_xyxy) > SAME_IOU) | (inside & may_be_part) | piece
    return np.asarray(own)


def reaches_top(boxes_xyxy: np.ndarray, subject_xyxy: Box) -> np.ndarray:
    """Tell which of (n, 4) boxes begin where the subject's does, or above, (n,) bool."""
    high = subject_xyxy[3] - subject_xyxy[1]
    return np.asarray(boxes_xyxy[:, 1] <= subject_xyxy[1] + TOP_SHARE * high)


def is_around(boxes_xyxy: np.ndarray, subject_xyxy: Box) -> np.ndarray:
    """Tell which of (n, 4) boxes have the subject's within them, (n,) bool."""
    area = _areas(np.array([subject_xyxy]))[0]
    return np.asarray(_shared(boxes_xyxy, subject_xyxy) > INSIDE_SHARE * max(area, 1e-9))


def share_inside(boxes_xyxy: np.ndarray, box: Box) -> np.ndarray:
    """Return how much of each of (n, 4) boxes lies within one, (n,) in [0, 1]; 0 of an empty one."""
    share: np.ndarray = _shared(boxes_xyxy, box) / np.maximum(_areas(boxes_xyxy), 1e-9)
    return share


def find_subject_again(people: Pedestrians, others: Pedestrians, subject_xyxy: Box) -> Box | None:
    """Find the subject's box a moment earlier or later, when it may have moved by its own width.

    `people` is everybody at that moment; `others` everybody but the subject in the picture where the
    subject is known, at `subject_xyxy`. Returns the box that overlaps the subject's most, unless it
    fits somebody else better; else None.
    """
    likeness = overlap(people.boxes_xyxy, subject_xyxy)
    if not len(likeness) or likeness.max() <= 0:
        return None
    row = int(likeness.argmax())
    box = as_box(people.boxes_xyxy[row])
    rivals = overlap(others.boxes_xyxy, box)
    return None if len(rivals) and rivals.max() > likeness[row] else box


def as_box(row: np.ndarray) -> Box:
    """Return (4,) of an array of boxes as plain numbers."""
    x0, y0, x1, y1 = row.tolist()
    return x0, y0, x1, y1


def overlap(boxes_xyxy: np.ndarray, box: Box) -> np.ndarray:
    """Return (n,) float64, the intersection over union of each of (n, 4) boxes with one."""
    shared = _shared(boxes_xyxy, box)
    union = _areas(boxes_xyxy) + _areas(np.array([box]))[0] - shared
    share: np.ndarray = shared / np.maximum(union, 1e-9)
    return share


def _shared(boxes: np.ndarray, box: Box) -> np.ndarray:
    """Return (n,) float64 square pixels that each of (n, 4) boxes shares with one; 0 where apart."""
    one = np.array(box, np.float64)
    corner, far = np.maximum(boxes[:, :2], one[:2]), np.minimum(boxes[:, 2:], one[2:])
    area: np.ndarray = np.prod(np.maximum(far - corner, 0), axis=1)
    return area


def _areas(boxes: np.ndarray) -> np.ndarray:
    """Return (n,) square pixels of (n, 4) boxes; 0 for one turned inside out."""
    area: np.ndarray = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    return area


def _parts(
    image: np.ndarray, steps: Sequence[float], part: float
) -> Iterator[tuple[int, int, int, int]]:
    """Yield (left, top, right, bottom) pixels: the whole picture, then its parts row by row."""
    height, width = image.shape[:2]
    yield 0, 0, width, height
    for y in steps:
        for x in steps:
            left, top = int(x * width), int(y * height)
            yield left, top, left + max(1, int(part * width)), top + max(1, int(part * height))


def _framed(part: np.ndarray) -> SampledFrame:
    """Squeeze (h, w, 3) uint8 to the detector's square; the stamp names no camera and no time."""
    height, width = part.shape[:2]
    stamp = FrameStamp(_NO_CAMERA, 0, Fraction(1), 0.0, _NO_TIME, width, height)
    return SampledFrame(stamp, squeeze(np.ascontiguousarray(part)))


def _people_of(
    seen: Detections, region: tuple[int, int, int, int], picture_height_px: int
) -> Pedestrians:
    """Move people found in a part (left, top, right, bottom) to the whole picture's pixels."""
    rows = _may_be_people(seen, picture_height_px)
    people = seen.boxes_xyxy[rows].astype(np.float64)
    size = np.array([region[2] - region[0], region[3] - region[1]])
    is_cut = np.any((people[:, :2] <= CUT_PX) | (people[:, 2:] >= size - CUT_PX), axis=1)
    moved = people + np.array([*region[:2], *region[:2]], np.float64)
    return Pedestrians(moved, is_cut, seen.scores[rows])
