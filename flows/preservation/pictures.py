"""Take an offence's pictures, plain, masked and drawn on, and its subject's vectors for the search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from domain.errors import PutAside
from domain.events.catalog import OutcomeData
from domain.evidence import APPEARANCE_SIZE, EMBEDDING_SIZE
from domain.site.site import Site
from evidence_store.media.annotation import draw_on
from evidence_store.media.frame_sampling import frames_between, spread_frames
from evidence_store.media.stills import crop_box, encode_jpeg
from evidence_store.recordings.footage_clips import FootageClip, grab_sighting
from flows.masks.background import MOST_PICTURES, Background
from flows.masks.faces import find_all_faces_in
from flows.masks.people import Pedestrians, find_people
from flows.masks.picture import choose_hidden, mask_picture
from flows.masks.subject import MaskSubject, kind_of_rule
from flows.preservation.captions import drawing_of
from flows.preservation.clips import Moment, best_sighting, moments_of
from flows.preservation.draft_record import DraftRecord, PreserveModels

NEIGHBOURS_S = 0.4
FACE_TILE, FACE_STEPS = 0.6, (0.0, 0.4)


def take_pictures(
    draft: DraftRecord,
    clips: Sequence[FootageClip],
    outcome: OutcomeData,
    site: Site,
    models: PreserveModels,
) -> None:
    """Take the frame of each moment three times: <name>.jpg, .masked.jpg and .drawn.jpg.

    The drawing is made on the masked copy, so that it may be shown to whoever has to judge.
    """
    background = draft.attempt("background", lambda: _background(clips)) or Background([])
    grabbed = [(moment, _grab(draft, moment, clips)) for moment in moments_of(outcome)]
    taken = [(moment, image) for moment, image in grabbed if image is not None]
    if not taken:
        return
    # all at once: the server works on several while one is prepared
    people = find_people([image for _, image in taken], models.people)
    nearby = _just_around(clips, [moment for moment, _ in taken], models)
    kind = kind_of_rule(site, outcome.rule_id)
    subjects = [MaskSubject(moment.sighting.box_xyxy, kind) for moment, _ in taken]
    shown = [(image, subject) for (_, image), subject in zip(taken, subjects, strict=True)]
    faces = find_all_faces_in(shown, models.faces, tile=FACE_TILE, steps=FACE_STEPS)
    for number, (moment, image) in enumerate(taken):
        draft.write(f"{moment.name}.jpg", "snapshot", encode_jpeg(image))
        hidden = choose_hidden(people[number], faces[number], subjects[number], nearby[number])
        masked = mask_picture(image, hidden, background)
        draft.write(f"{moment.name}.masked.jpg", "masked snapshot", encode_jpeg(masked))
        drawn = draw_on(masked, drawing_of(moment, outcome, site))
        draft.write(f"{moment.name}.drawn.jpg", "drawn snapshot", encode_jpeg(drawn))


def describe_subject(
    draft: DraftRecord, clips: Sequence[FootageClip], outcome: OutcomeData, models: PreserveModels
) -> tuple[np.ndarray, np.ndarray]:
    """Describe the subject where it was seen best, as vectors that evidence is searched by.

    Embedding, (EMBEDDING_SIZE,), and appearance, (APPEARANCE_SIZE,), are float32; zeros where no
    picture of it could be had.
    """
    best = best_sighting(outcome)

    def describe() -> tuple[np.ndarray, np.ndarray]:
        image, _ = grab_sighting(clips, best)
        crop = crop_box(image, best.box_xyxy)
        embedding = np.asarray(models.embedder.embed([crop]), np.float32).reshape(-1)
        appearance = np.asarray(models.describe(crop), np.float32).reshape(-1)
        _check_vector("embedding", embedding, EMBEDDING_SIZE)
        _check_vector("appearance", appearance, APPEARANCE_SIZE)
        return embedding, appearance

    described = draft.attempt("likeness", describe)
    if described is None:
        return np.zeros(EMBEDDING_SIZE, np.float32), np.zeros(APPEARANCE_SIZE, np.float32)
    return described


def _background(clips: Sequence[FootageClip]) -> Background:
    """Learn what is usually to be seen, from the longest clip."""
    if not clips:
        return Background([])
    longest = max(clips, key=lambda clip: clip.cut.duration_s)
    return Background(spread_frames(longest.cut.path, MOST_PICTURES))


def _just_around(
    clips: Sequence[FootageClip], moments: Sequence[Moment], models: PreserveModels
) -> list[list[Pedestrians]]:
    """Find the people shortly before and after each moment."""
    images = [_neighbours(clips, moment) for moment in moments]
    flat = [image for near in images for image in near]
    people = iter(find_people(flat, models.people, steps=()) if flat else ())
    return [[next(people) for _ in near] for near in images]


def _neighbours(clips: Sequence[FootageClip], moment: Moment) -> list[np.ndarray]:
    for clip in clips:
        at_s = clip.place_of(moment.sighting)
        if at_s is not None:
            near = frames_between(
                clip.cut.path, at_s - NEIGHBOURS_S, at_s + NEIGHBOURS_S, NEIGHBOURS_S
            )
            return [image for near_s, image in near if abs(near_s - at_s) > 0.01]
    return []


def _grab(draft: DraftRecord, moment: Moment, clips: Sequence[FootageClip]) -> np.ndarray | None:
    part = f"{moment.label} snapshot"
    grabbed = draft.attempt(part, lambda: grab_sighting(clips, moment.sighting))
    if grabbed is None:
        return None
    image, remark = grabbed
    if remark:
        draft.missing.append(f"{part}: {remark}")
    return image


def _check_vector(name: str, vector: np.ndarray, size: int) -> None:
    if vector.shape != (size,) or not np.isfinite(vector).all():
        raise PutAside(f"the {name} should be {size} finite numbers, got {vector.shape}")
