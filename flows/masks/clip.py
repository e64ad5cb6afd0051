"""Mask a whole clip for leaving the vault: looked at some times a second, masked in every picture."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evidence_store.media.frame_sampling import frames_between, spread_frames
from evidence_store.media.reencode import encode_changed
from flows.masks.background import MOST_PICTURES, Background
from flows.masks.faces import MIN_FACE_SCORE, FaceFinder
from flows.masks.people import PersonFinder, find_people, is_subjects_own, together
from flows.masks.picture import choose_hidden, mask_picture
from flows.masks.subject import SubjectKind
from flows.masks.subject_path import PathPoint, PeopleSeen, SubjectPath

LOOK_EVERY_S = 0.4
# somebody found in one picture stays hidden so long before and after: one that is missed shows nobody
HOLD_S = 0.5
LOOKS_AT_ONCE = 4
CLIP_STEPS, CLIP_PART = (0.0, 0.4), 0.6  # four parts instead of nine: a clip has many pictures


@dataclass(frozen=True, slots=True)
class MaskTools:
    """What a clip is masked with."""

    people: PersonFinder
    faces: FaceFinder
    # called between pieces of work: gives a sign of life, waits its turn; may raise to end the work
    breathe: Callable[[], None] = lambda: None


def mask_clip(
    source: Path,
    target: Path,
    track: Sequence[PathPoint],
    tools: MaskTools,
    kind: SubjectKind = "person",
) -> dict[str, Any]:
    """Write a masked copy of a clip, and return what was done, for the custody chain.

    That is: pictures, looks, how often the subject was not known. `track` says where the subject is
    known to be, media time of this clip, in order; `kind` what it is.

    Raises:
        TryAgain: the model server is away.
        PutAside: the clip cannot be decoded.
    """
    background = Background(spread_frames(source, MOST_PICTURES))
    looks = look_through(source, tools)
    path = SubjectPath(track, looks, kind)
    others = [look.people.keep(~_own(look, path)) for look in looks]
    times_s = [look.at_s for look in looks]
    lost = 0

    def change(at_s: float, image_rgb: np.ndarray) -> np.ndarray:
        nonlocal lost
        tools.breathe()
        subject = path.at(at_s)
        lost += subject is None and kind != "place"
        near = slice(bisect_left(times_s, at_s - HOLD_S), bisect_right(times_s, at_s + HOLD_S))
        faces = [look.faces_xyxy for look in looks[near]] or [np.empty((0, 4))]
        hidden = choose_hidden(together(others[near]), np.concatenate(faces), subject)
        return mask_picture(image_rgb, hidden, background)

    pictures = encode_changed(source, target, change)
    return {
        "pictures": pictures,
        "looked_at": len(looks),
        "pictures_without_known_subject": lost,
        "background_known": background.is_known,
    }


def look_through(source: Path, tools: MaskTools) -> list[PeopleSeen]:
    """Find everybody, some times a second."""
    looks: list[PeopleSeen] = []
    waiting: list[tuple[float, np.ndarray]] = []
    for at_s, image in frames_between(source, 0.0, float("inf"), LOOK_EVERY_S):
        waiting.append((at_s, image))
        if len(waiting) == LOOKS_AT_ONCE:
            looks += _look(waiting, tools)
            waiting = []
    return looks + (_look(waiting, tools) if waiting else [])


def _look(frames: Sequence[tuple[float, np.ndarray]], tools: MaskTools) -> list[PeopleSeen]:
    tools.breathe()
    images = [image for _, image in frames]
    people = find_people(images, tools.people, steps=CLIP_STEPS, part=CLIP_PART)
    # faces of people whom the detector missed; every second look, for they are held as well
    faces = tools.faces.find_in_all(images[::2], MIN_FACE_SCORE)
    face_boxes = [np.asarray(boxes, np.float64).reshape(-1, 4) for boxes, _ in faces]
    return [
        PeopleSeen(at_s, in_frame, face_boxes[number // 2])
        for number, ((at_s, _), in_frame) in enumerate(zip(frames, people, strict=True))
    ]


def _own(look: PeopleSeen, path: SubjectPath) -> np.ndarray:
    subject = path.at(look.at_s)
    if subject is None or subject.kind != "person":
        return np.zeros(len(look.people.boxes_xyxy), bool)
    return is_subjects_own(look.people, subject.box_xyxy)
