"""Mask one picture for leaving the vault: only the subject is to be seen, a person without a face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.events.catalog import Box
from flows.masks.background import Background
from flows.masks.faces import heads_of
from flows.masks.people import (
    SAME_IOU,
    SURE_SCORE,
    Pedestrians,
    find_subject_again,
    is_around,
    is_subjects_own,
    overlap,
    reaches_top,
    share_inside,
    together,
)
from flows.masks.pixelate import mask_pixels, mask_regions
from flows.masks.subject import MaskSubject

# of a box, on every side: arms, bags and hair reach out of what the detector draws
BODY_MARGIN = 0.12
FACE_MARGIN = 0.25
# what moves right beside the subject is mostly the subject: its shadow, its bag
SUBJECT_MARGIN = 0.12
# so much of somebody before a thing, and they stand in front of it
IN_FRONT = 0.5


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class Hidden:
    """What is to be hidden in one picture."""

    behind_xyxy: np.ndarray  # (n, 4) bodies, pixels: hidden but for where the subject is
    others_xyxy: np.ndarray  # (m, 4) bodies: hidden, and the subject with them where they overlap
    faces_xyxy: np.ndarray  # (k, 4) faces
    headed_xyxy: np.ndarray  # (h, 4) people whose body may be seen, and whose head is hidden
    subject_xyxy: Box | None  # stays visible; None: nobody does


def choose_hidden(
    people: Pedestrians,
    faces_xyxy: np.ndarray,
    subject: MaskSubject | None,
    nearby: Sequence[Pedestrians] = (),
) -> Hidden:
    """Decide who is hidden, and how.

    Where somebody else stands before the subject, they are hidden, and so is that part of the subject:
    the original shows it to those who may see it. `people` has everybody found in the picture, also the
    subject; `faces_xyxy` is (k, 4); without a subject, or where it is a place, everybody is hidden.
    `nearby` are those found shortly before or after: who is missed in one frame is mostly found in the
    next, nearly there.
    """
    faces = np.asarray(faces_xyxy, np.float64).reshape(-1, 4)
    nobody = np.empty((0, 4))
    if subject is None or subject.kind == "place":
        return Hidden(nobody, together([people, *nearby]).boxes_xyxy, faces, nobody, None)
    box = subject.box_xyxy
    if subject.kind == "thing":
        everybody = together([people, *nearby])
        front = (everybody.scores >= SURE_SCORE) & (
            share_inside(everybody.boxes_xyxy, box) > IN_FRONT
        )
        behind = everybody.boxes_xyxy[~front]
        # what the detector takes a bag itself for has no head
        headed = behind[overlap(behind, box) <= SAME_IOU]
        return Hidden(behind, everybody.boxes_xyxy[front], faces, headed, box)
    own = is_subjects_own(people, box)
    others = people.keep(~own)
    found = [others]
    for moment in nearby:
        there = find_subject_again(moment, others, box)
        found.append(moment if there is None else moment.keep(~is_subjects_own(moment, there)))
    everybody = together(found)
    # a box around the subject is a group's, or nobody's, unless somebody was seen well beside it
    around = is_around(everybody.boxes_xyxy, box)
    around &= (everybody.scores < SURE_SCORE) | ~own.any()
    behind = everybody.boxes_xyxy[around]
    # a part of the subject that was found by itself, a trunk or legs, has no head
    has_head = reaches_top(people.boxes_xyxy, box) | ~people.is_cut
    headed = people.boxes_xyxy[own & has_head]
    headed = np.concatenate([np.array([box]), headed, behind])
    return Hidden(behind, everybody.boxes_xyxy[~around], faces, headed, box)


def mask_picture(image_rgb: np.ndarray, hidden: Hidden, background: Background) -> np.ndarray:
    """Burn the masks into a copy of an (h, w, 3) uint8 picture: what moves, then bodies, then faces."""
    moving = background.differing(image_rgb)
    kept = (slice(0), slice(0))  # nothing
    if hidden.subject_xyxy is not None:
        kept = _slices(_wider(hidden.subject_xyxy, SUBJECT_MARGIN))
    moving[kept] = False
    masked = mask_pixels(image_rgb, moving)
    masked[kept] = image_rgb[kept]  # whole blocks of the mosaic reach into the subject
    masked = mask_regions(masked, hidden.behind_xyxy, BODY_MARGIN)
    if hidden.subject_xyxy is not None:
        shown = _slices(hidden.subject_xyxy)
        masked[shown] = image_rgb[shown]
    masked = mask_regions(masked, hidden.others_xyxy, BODY_MARGIN)
    heads = np.concatenate([hidden.faces_xyxy, heads_of(hidden.headed_xyxy, image_rgb)])
    return mask_regions(masked, heads, FACE_MARGIN)


def _slices(box: Box) -> tuple[slice, slice]:
    left, top, right, bottom = (max(0, int(side)) for side in box)
    return slice(top, bottom + 1), slice(left, right + 1)


def _wider(box: Box, share: float) -> Box:
    left, top, right, bottom = box
    wide, high = share * (right - left), share * (bottom - top)
    return left - wide, top - high, right + wide, bottom + high
