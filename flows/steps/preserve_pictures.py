"""Pictures of an offence's moments: as they are, masked, and with what was measured drawn in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from domain.events import OutcomeData
from domain.site import Site
from evidence_store.drawing import draw_on
from evidence_store.footage_clips import FootageClip, grab_sighting
from evidence_store.many_frames import frames_between, spread_frames
from evidence_store.stills import encode_jpeg
from flows.masks.background import MOST_PICTURES, Background
from flows.masks.faces import find_all_faces_in
from flows.masks.people import People, find_people
from flows.masks.picture import choose_hidden, mask_picture
from flows.steps.preserve_captions import drawing_of
from flows.steps.preserve_gathering import Gathering
from flows.steps.preserve_moments import Moment, moments_of
from flows.steps.preserve_parts import PreserveModels

NEIGHBOURS_S = 0.4
FACE_TILE, FACE_STEPS = 0.6, (0.0, 0.4)


def take_pictures(
    gathering: Gathering,
    clips: Sequence[FootageClip],
    data: OutcomeData,
    site: Site,
    models: PreserveModels,
) -> None:
    """The frame of each sighting three times: <name>.jpg, .masked.jpg and .drawn.jpg.

    The drawing is made on the masked copy, so that it may be shown to whoever has to judge.
    """
    background = gathering.attempt("background", lambda: _background(clips)) or Background([])
    grabbed = [(moment, _grab(gathering, moment, clips)) for moment in moments_of(data)]
    taken = [(moment, image) for moment, image in grabbed if image is not None]
    if not taken:
        return
    # all at once: the server works on several while one is prepared
    people = find_people([image for _, image in taken], models.people)
    nearby = _just_around(clips, [moment for moment, _ in taken], models)
    subjects = [(image, moment.sighting.box_xyxy) for moment, image in taken]
    faces = find_all_faces_in(subjects, models.faces, tile=FACE_TILE, steps=FACE_STEPS)
    for number, (moment, image) in enumerate(taken):
        gathering.write(f"{moment.name}.jpg", "snapshot", encode_jpeg(image))
        box = moment.sighting.box_xyxy
        hidden = choose_hidden(people[number], faces[number], box, nearby[number])
        masked = mask_picture(image, hidden, background)
        gathering.write(f"{moment.name}.masked.jpg", "masked snapshot", encode_jpeg(masked))
        drawn = draw_on(masked, drawing_of(moment, data, site))
        gathering.write(f"{moment.name}.drawn.jpg", "drawn snapshot", encode_jpeg(drawn))


def _background(clips: Sequence[FootageClip]) -> Background:
    """What is usually to be seen: from the longest clip."""
    if not clips:
        return Background([])
    longest = max(clips, key=lambda clip: clip.cut.duration_s)
    return Background(spread_frames(longest.cut.path, MOST_PICTURES))


def _just_around(
    clips: Sequence[FootageClip], moments: Sequence[Moment], models: PreserveModels
) -> list[list[People]]:
    """Where people are shortly before and after each moment."""
    images = [_neighbours(clips, moment) for moment in moments]
    flat = [image for each in images for image in each]
    found = iter(find_people(flat, models.people, steps=()) if flat else ())
    return [[next(found) for _ in each] for each in images]


def _neighbours(clips: Sequence[FootageClip], moment: Moment) -> list[np.ndarray]:
    for clip in clips:
        at_s = clip.place_of(moment.sighting)
        if at_s is not None:
            near = frames_between(
                clip.cut.path, at_s - NEIGHBOURS_S, at_s + NEIGHBOURS_S, NEIGHBOURS_S
            )
            return [image for near_s, image in near if abs(near_s - at_s) > 0.01]
    return []


def _grab(gathering: Gathering, moment: Moment, clips: Sequence[FootageClip]) -> np.ndarray | None:
    part = f"{moment.said} snapshot"
    grabbed = gathering.attempt(part, lambda: grab_sighting(clips, moment.sighting))
    if grabbed is None:
        return None
    image, remark = grabbed
    if remark:
        gathering.missing.append(f"{part}: {remark}")
    return image
