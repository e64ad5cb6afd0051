"""Every face that a masked copy has to hide: found in the picture, and where the subject's must be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from domain.errors import PutAside
from domain.events import Box
from evidence_store.stills import crop_box

# a mask should rather cover one thing too many
MIN_FACE_SCORE = 0.2
# Heads in a street scene are 10-15 px: in 8 pictures of the sample the detector found 10 faces
# looking at the whole, 64 in overlapping quarters, 158 (some twice) in nine overlapping halves.
STEPS = (0.0, 0.25, 0.5)
TILE = 0.5
# around the subject, as a share of the box
CLOSER_MARGIN = 0.3
# a standing person's head: the upper fifth of the box, without the shoulders' width
HEAD_HEIGHT, HEAD_WIDTH = 0.2, 0.7


class FindsFaces(Protocol):
    """Where the faces in a picture are (models/serving's FaceDetector)."""

    def find_in_all(
        self, images_rgb: Sequence[np.ndarray], min_score: float
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """(k, 4) boxes in pixels and (k,) scores of each. Raises TryAgain: the server is away."""


def find_all_faces(
    image_rgb: np.ndarray,
    subject_xyxy: Box,
    faces: FindsFaces,
    *,
    tile: float = TILE,
    steps: Sequence[float] = STEPS,
) -> np.ndarray:
    """Faces in the whole picture, in parts of it looked at more closely, and the subject's head.

    The subject's head is covered whether or not a face is found on it.

    Args:
        tile: of the picture's width and height, a part's size.
        steps: where parts begin, likewise; () looks at the whole and the subject alone.
    Returns:
        (k, 4) pixels of the picture; one face may be there several times.
    """
    return find_all_faces_in([(image_rgb, subject_xyxy)], faces, tile=tile, steps=steps)[0]


def find_all_faces_in(
    pictures: Sequence[tuple[np.ndarray, Box]],
    faces: FindsFaces,
    *,
    tile: float = TILE,
    steps: Sequence[float] = STEPS,
) -> list[np.ndarray]:
    """The same for several pictures, each with its subject's box, in one question to the server."""
    found = [[np.array([head_of(subject)], np.float64)] for _, subject in pictures]
    owners, corners, parts = [], [], []
    for number, (image, subject) in enumerate(pictures):
        for region in _regions(image, subject, tile, steps):
            try:
                parts.append(crop_box(image, region))
            except PutAside:  # the box lies outside the picture: there is nothing to look at
                continue
            owners.append(number)
            corners.append(np.array([max(0, int(region[0])), max(0, int(region[1]))] * 2))
    answers = faces.find_in_all(parts, MIN_FACE_SCORE) if parts else []
    for number, corner, (boxes, _) in zip(owners, corners, answers, strict=True):
        found[number].append(np.asarray(boxes, np.float64).reshape(-1, 4) + corner)
    return [np.concatenate(each) for each in found]


def _regions(
    image_rgb: np.ndarray, subject_xyxy: Box, tile: float, steps: Sequence[float]
) -> Iterator[Box]:
    height, width = image_rgb.shape[:2]
    yield (0.0, 0.0, float(width), float(height))
    for y in steps:
        for x in steps:
            yield (x * width, y * height, (x + tile) * width, (y + tile) * height)
    left, top, right, bottom = subject_xyxy
    wider, higher = CLOSER_MARGIN * (right - left), CLOSER_MARGIN * (bottom - top)
    yield (left - wider, top - higher, right + wider, bottom + higher)


def head_of(subject_xyxy: Box) -> Box:
    """Where a standing person's head is, pixels."""
    left, top, right, bottom = subject_xyxy
    aside = (1 - HEAD_WIDTH) / 2 * (right - left)
    return (left + aside, top, right - aside, top + HEAD_HEIGHT * (bottom - top))
