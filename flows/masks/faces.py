"""Find every face that a masked copy has to hide; a subject's head is hidden in any case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from domain.errors import PutAside
from domain.events.catalog import Box
from evidence_store.media.stills import crop_box
from flows.masks.subject import MaskSubject

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
# who sits, bends or is cut off by the picture's edge is wider for their height: a head is half as high
# as shoulders are wide, and of nobody more than half of what is seen
HEAD_OF_WIDTH, HEAD_AT_MOST = 0.5, 0.5
# of a box: an edge of the picture that is nearer cuts it, whatever detector and tracker made of it
NEAR_EDGE = 0.15


class FaceFinder(Protocol):
    """Where the faces in a picture are (models/serving's FaceDetector)."""

    def find_in_all(
        self, images_rgb: Sequence[np.ndarray], min_score: float
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return (k, 4) boxes in pixels and (k,) scores of each; raises TryAgain while the server is away."""


def find_all_faces(
    image_rgb: np.ndarray,
    subject: MaskSubject,
    faces: FaceFinder,
    *,
    tile: float = TILE,
    steps: Sequence[float] = STEPS,
) -> np.ndarray:
    """Find faces in the whole picture and in parts of it, looked at closely; add the subject's head.

    A person's head is covered whether or not a face is found on it. `image_rgb` is (h, w, 3)
    uint8; parts are `tile` of its width and height large and begin at `steps`, likewise shares of it;
    () looks at the whole and the subject alone. Returns (k, 4) pixels of the picture; one face may
    be there several times.
    """
    return find_all_faces_in([(image_rgb, subject)], faces, tile=tile, steps=steps)[0]


def find_all_faces_in(
    pictures: Sequence[tuple[np.ndarray, MaskSubject]],
    faces: FaceFinder,
    *,
    tile: float = TILE,
    steps: Sequence[float] = STEPS,
) -> list[np.ndarray]:
    """Find the faces of several pictures, each with its subject, in one question to the server."""
    by_picture = [[_heads(subject, image)] for image, subject in pictures]
    owners, corners, parts = [], [], []
    for number, (image, subject) in enumerate(pictures):
        for region in _regions(image, subject.box_xyxy, tile, steps):
            try:
                parts.append(crop_box(image, region))
            except PutAside:  # the box lies outside the picture: there is nothing to look at
                continue
            owners.append(number)
            corners.append(np.array([max(0, int(region[0])), max(0, int(region[1]))] * 2))
    answers = faces.find_in_all(parts, MIN_FACE_SCORE) if parts else []
    for number, corner, (boxes, _) in zip(owners, corners, answers, strict=True):
        by_picture[number].append(np.asarray(boxes, np.float64).reshape(-1, 4) + corner)
    return [np.concatenate(boxes) for boxes in by_picture]


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


def _heads(subject: MaskSubject, image_rgb: np.ndarray) -> np.ndarray:
    if subject.kind != "person":
        return np.empty((0, 4))
    return heads_of(np.array([subject.box_xyxy], np.float64), image_rgb)


def heads_of(boxes_xyxy: np.ndarray, image_rgb: np.ndarray) -> np.ndarray:
    """Return where people's heads are, (n, 4) pixels, by (n, 4) boxes around what is seen of them.

    The upper fifth of who stands, more of who is not seen whole; up to the edge of the (h, w, 3) picture
    that cuts them off: there, the middle of the box is not their middle.
    """
    left, top, right, bottom = np.asarray(boxes_xyxy, np.float64).reshape(-1, 4).T
    wide, high = right - left, bottom - top
    deep = np.minimum(np.maximum(HEAD_HEIGHT * high, HEAD_OF_WIDTH * wide), HEAD_AT_MOST * high)
    # of who lies, the head is at either end
    aside = np.where(wide > high, 0.0, (1 - HEAD_WIDTH) / 2 * wide)
    is_cut = _is_near_edges(boxes_xyxy, image_rgb)
    head_left, head_right = left + aside, right - aside
    heads = [
        np.where(is_cut[:, 0], np.minimum(left, 0), head_left),
        np.where(is_cut[:, 1], np.minimum(top, 0), top),
        np.where(is_cut[:, 2], np.maximum(right, image_rgb.shape[1]), head_right),
        top + deep,
    ]
    return np.stack(heads, axis=1)


def _is_near_edges(boxes_xyxy: np.ndarray, image_rgb: np.ndarray) -> np.ndarray:
    """Tell which of their sides nearly touch the picture's, (n, 4) bool: left, top, right, bottom."""
    height, width = image_rgb.shape[:2]
    boxes = np.asarray(boxes_xyxy, np.float64).reshape(-1, 4)
    near = NEAR_EDGE * np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    gaps = np.array([1, 1, -1, -1]) * (boxes - np.array([0, 0, width, height]))
    return np.asarray(gaps <= near)
