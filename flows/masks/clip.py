"""A whole clip as it may leave the vault: looked at some times a second, masked in every picture."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evidence_store.encode import encode_changed
from evidence_store.many_frames import frames_between, spread_frames
from flows.masks.background import MOST_PICTURES, Background
from flows.masks.faces import MIN_FACE_SCORE, FindsFaces
from flows.masks.people import FindsPeople, find_people, is_subjects_own, together
from flows.masks.picture import choose_hidden, mask_picture
from flows.masks.subject_path import Look, Place, SubjectPath

LOOK_EVERY_S = 0.4
# somebody found in one picture stays hidden so long before and after: one that is missed shows nobody
HOLD_S = 0.5
LOOKS_AT_ONCE = 4
CLIP_STEPS, CLIP_PART = (0.0, 0.4), 0.6  # four parts instead of nine: a clip has many pictures


@dataclass(frozen=True, slots=True)
class MaskTools:
    """What a clip is masked with."""

    people: FindsPeople
    faces: FindsFaces
    # called between pieces of work: gives a sign of life, waits its turn; may raise to end the work
    breathe: Callable[[], None] = lambda: None


def mask_clip(
    source: Path, target: Path, track: Sequence[Place], tools: MaskTools
) -> dict[str, Any]:
    """Write a masked copy of a clip.

    Args:
        track: where the subject is known to be, media time of this clip, in order.
    Returns:
        what was done, for the custody chain: pictures, looks, how often the subject was not known.
    Raises:
        TryAgain: the model server is away.
        PutAside: the clip cannot be decoded.
    """
    background = Background(spread_frames(source, MOST_PICTURES))
    looks = look_through(source, tools)
    path = SubjectPath(track, looks)
    others = [look.people.keep(~_own(look, path)) for look in looks]
    times_s = [look.at_s for look in looks]
    lost = 0

    def change(at_s: float, image_rgb: np.ndarray) -> np.ndarray:
        nonlocal lost
        tools.breathe()
        subject = path.at(at_s)
        lost += subject is None
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


def look_through(source: Path, tools: MaskTools) -> list[Look]:
    """Find everybody, some times a second."""
    looks: list[Look] = []
    waiting: list[tuple[float, np.ndarray]] = []
    for at_s, image in frames_between(source, 0.0, float("inf"), LOOK_EVERY_S):
        waiting.append((at_s, image))
        if len(waiting) == LOOKS_AT_ONCE:
            looks += _look(waiting, tools)
            waiting = []
    return looks + (_look(waiting, tools) if waiting else [])


def _look(frames: Sequence[tuple[float, np.ndarray]], tools: MaskTools) -> list[Look]:
    tools.breathe()
    images = [image for _, image in frames]
    people = find_people(images, tools.people, steps=CLIP_STEPS, part=CLIP_PART)
    # faces of people whom the detector missed; every second look, for they are held as well
    faces = tools.faces.find_in_all(images[::2], MIN_FACE_SCORE)
    found = [np.asarray(boxes, np.float64).reshape(-1, 4) for boxes, _ in faces]
    return [
        Look(at_s, each, found[number // 2])
        for number, ((at_s, _), each) in enumerate(zip(frames, people, strict=True))
    ]


def _own(look: Look, path: SubjectPath) -> np.ndarray:
    subject = path.at(look.at_s)
    if subject is None:
        return np.zeros(len(look.people.boxes_xyxy), bool)
    return is_subjects_own(look.people, subject)
