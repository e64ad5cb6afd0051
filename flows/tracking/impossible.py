"""Tell boxes that are called people and cannot be anybody: those around groups, and around half the picture.

People are taller than wide but where something cuts them off, and whoever fills a picture is seen well. Of a
dense crowd, and of rows of people, the detector also gives boxes around all of them, at scores that rules use:
over 89 % of a night square at .61, with which an offence could be opened on nobody.
"""

from __future__ import annotations

import numpy as np

from domain.coco_classes import COCO_IDS
from domain.detections import Detections

# of its height; people seen whole, cut off at the sides or by somebody in front are narrower
WIDE = 0.8
HUGE_SHARE = 1 / 3  # of the picture
# whoever bends to the lens is seen well; the surest of the boxes that are nobody had .61
SURE_SCORE = 0.8
# a box with two others in it is a group's, if those are believed and lie in it by this share of theirs ..
IN_IT = 0.8
# .. and are smaller than this share of it: else they are its own, or somebody behind
SMALLER = 0.5
LEAST_SCORE = 0.2

_PERSON = COCO_IDS["person"]


def is_nobody(seen: Detections) -> np.ndarray:
    """Tell which boxes are said to be a person and cannot be one, (n,) bool; other classes never are."""
    nobody = np.zeros(len(seen), bool)
    boxes, scores = seen.boxes_xyxy, seen.scores
    sides = boxes[:, 2:] - boxes[:, :2]
    is_person = (seen.class_ids == _PERSON) & (scores >= LEAST_SCORE)
    wide = np.flatnonzero(is_person & (sides[:, 0] >= WIDE * sides[:, 1]))
    if not len(wide):
        return nobody
    areas = sides[:, 0] * sides[:, 1]
    picture = seen.frame.width_px * seen.frame.height_px
    nobody[wide] = (areas[wide] >= HUGE_SHARE * picture) & (scores[wide] < SURE_SCORE)
    people = np.flatnonzero(is_person & (sides[:, 1] > sides[:, 0]))
    corner = np.maximum(boxes[wide, None, :2], boxes[None, people, :2])
    far = np.minimum(boxes[wide, None, 2:], boxes[None, people, 2:])
    shared = np.maximum(far - corner, 0).prod(axis=2)
    within = (shared >= IN_IT * areas[people]) & (areas[people] < SMALLER * areas[wide, None])
    nobody[wide] |= within.sum(axis=1) >= 2
    return nobody
