"""One picture as it may leave the vault: only the subject is to be seen, and without a face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.events import Box
from evidence_store.masking import mask_pixels, mask_regions
from flows.masks.background import Background
from flows.masks.faces import head_of
from flows.masks.people import People, find_subject_again, is_subjects_own, together

# of a box, on every side: arms, bags and hair reach out of what the detector draws
BODY_MARGIN = 0.12
FACE_MARGIN = 0.25
# what moves right beside the subject is mostly the subject: its shadow, its bag
SUBJECT_MARGIN = 0.12


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class Hidden:
    """What is to be hidden in one picture."""

    others_xyxy: np.ndarray  # (n, 4) bodies, pixels
    faces_xyxy: np.ndarray  # (k, 4) faces and heads, the subject's among them
    subject_xyxy: Box | None  # stays visible; None: nobody does


def choose_hidden(
    people: People,
    faces_xyxy: np.ndarray,
    subject_xyxy: Box | None,
    nearby: Sequence[People] = (),
) -> Hidden:
    """Decide who is hidden, and how.

    Where somebody else overlaps the subject, they are hidden, and so is that part of the subject: the
    original shows it to those who may see it.

    Args:
        people: everybody found in the picture, also the subject.
        faces_xyxy: (k, 4) faces found.
        subject_xyxy: the subject in this picture; None: not known, everybody is hidden.
        nearby: everybody found shortly before or after: who is missed in one frame is mostly found
            in the next, nearly there.
    """
    faces = np.asarray(faces_xyxy, np.float64).reshape(-1, 4)
    if subject_xyxy is None:
        return Hidden(together([people, *nearby]).boxes_xyxy, faces, None)
    own = is_subjects_own(people, subject_xyxy)
    others = people.keep(~own)
    hidden = [others.boxes_xyxy]
    for each in nearby:
        there = find_subject_again(each, others, subject_xyxy)
        hidden.append(
            each.boxes_xyxy
            if there is None
            else each.keep(~is_subjects_own(each, there)).boxes_xyxy
        )
    boxes = [subject_xyxy, *(_as_box(row) for row in people.boxes_xyxy[own])]
    heads = np.array([head_of(box) for box in boxes])
    return Hidden(np.concatenate(hidden), np.concatenate([faces, heads]), subject_xyxy)


def mask_picture(image_rgb: np.ndarray, hidden: Hidden, background: Background) -> np.ndarray:
    """Burn the masks into a copy: what moves, then bodies, then faces.

    Args:
        image_rgb: (h, w, 3) uint8.
    Returns:
        a new (h, w, 3) uint8 picture.
    """
    moving = background.differing(image_rgb)
    if hidden.subject_xyxy is not None:
        left, top, right, bottom = _wider(hidden.subject_xyxy, SUBJECT_MARGIN)
        kept = (
            slice(max(0, int(top)), max(0, int(bottom) + 1)),
            slice(max(0, int(left)), max(0, int(right) + 1)),
        )
        moving[kept] = False
        masked = mask_pixels(image_rgb, moving)
        masked[kept] = image_rgb[kept]  # whole blocks of the mosaic reach into the subject
    else:
        masked = mask_pixels(image_rgb, moving)
    masked = mask_regions(masked, hidden.others_xyxy, BODY_MARGIN)
    return mask_regions(masked, hidden.faces_xyxy, FACE_MARGIN)


def _wider(box: Box, share: float) -> Box:
    left, top, right, bottom = box
    wide, high = share * (right - left), share * (bottom - top)
    return left - wide, top - high, right + wide, bottom + high


def _as_box(row: np.ndarray) -> Box:
    x0, y0, x1, y1 = row.tolist()
    return x0, y0, x1, y1
