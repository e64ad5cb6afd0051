"""Replay one offence as pictures for showing: nobody on them can be recognised."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

import numpy as np

from domain.data_dir import DataDir
from domain.errors import PutAside
from domain.events.catalog import Box
from evidence_store.media.stills import decode_picture, grab_frame
from evidence_store.vault.open_vault import open_vault
from flows.masks.faces import FaceFinder, find_all_faces
from flows.masks.people import as_box
from flows.masks.pixelate import mask_regions
from flows.masks.subject import MaskSubject
from flows.reports.offences import ReportedOffence
from flows.reports.replay import WatchedFrame

# a face of ten pixels is too small for the face detector, not for a neighbour's memory
HEAD_SHARE = 0.25  # of a person's box, from the top
MIN_PERSON_SCORE = 0.1  # weaker than any rule uses: somebody half hidden has a head too
TALLEST_PERSON = 0.7  # of the picture's height; at such scores a box may be half the picture
LEAST_VIEW = 0.4  # of the picture's width and height, so that one sees where it is


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class SheetPicture:
    """One picture of the sheet; faces are masked in its pixels."""

    image_rgb: np.ndarray  # (h, w, 3) uint8, the whole frame
    at: datetime
    since_first_s: float
    box_xyxy: Box | None  # the subject, pixels; None: not seen in this frame
    caption: str  # what happened at this moment, "" for those between


@dataclass(frozen=True, slots=True, eq=False)
class ContactSheet:
    """The pictures in order of time, and which part of the frames is worth showing."""

    offence: ReportedOffence
    pictures: tuple[SheetPicture, ...]
    view_xyxy: Box  # the subject's way with its surroundings, pixels


def replay_offence(
    offence: ReportedOffence,
    watched: Sequence[WatchedFrame],
    data: DataDir,
    faces: FaceFinder,
    count: int = 12,
) -> ContactSheet:
    """Replay an offence out of its sealed clip: every event of it, and moments between.

    `watched` are the camera's frames, as replay_camera gives them. `count` pictures are wanted; more
    events than that show all events.

    Raises:
        PutAside: it has no clip, or none of its frames can be decoded.
    """
    vault = open_vault(data)
    record = vault.read(offence.evidence_id) if offence.evidence_id else None
    if record is None or record.clip_duration_s == 0:
        raise PutAside(f"{offence.offence_id}: no clip is sealed of it; `forewarn evidence list`")
    ends_at = record.clip_from_at + timedelta(seconds=record.clip_duration_s)
    captions = caption_moments(offence)
    inside_clip = [
        frame
        for frame in watched
        if record.clip_from_at <= frame.tracked.frame.captured_at < ends_at
        and offence.first_seen_at <= frame.tracked.frame.captured_at <= max(captions)
    ]
    place = {id(frame): row for row, frame in enumerate(watched)}
    pictures = []
    with vault.open(record.evidence_id, "clip.mp4") as clip:
        for frame in spread(inside_clip, set(captions), count):
            row = place[id(frame)]
            around = watched[max(0, row - 1) : row + 2]
            pictures.append(
                _picture(frame, around, clip, record.clip_from_at, offence, captions, faces)
            )
    if not pictures:
        raise PutAside(f"{offence.offence_id}: no watched frame lies in the clip of its evidence")
    return ContactSheet(offence, tuple(pictures), _view(pictures))


def sealed_pictures(offence: ReportedOffence, data: DataDir) -> ContactSheet:
    """Return the sealed masked snapshots, first and last sighting; needs no model.

    Raises:
        PutAside: there are none.
    """
    vault = open_vault(data)
    pictures = []
    for name, sighting in (("first", offence.sightings[0]), ("last", offence.sightings[-1])):
        file = f"{name}.masked.jpg"
        if offence.evidence_id and vault.path_of(offence.evidence_id, file).is_file():
            image = decode_picture(vault.read_bytes(offence.evidence_id, file), file)
            since_s = (sighting.at - offence.first_seen_at).total_seconds()
            box = sighting.box_xyxy
            pictures.append(SheetPicture(image, sighting.at, since_s, box, f"{name} seen"))
    if not pictures:
        raise PutAside(f"{offence.offence_id}: no masked snapshot is sealed of it")
    return ContactSheet(offence, tuple(pictures), _view(pictures))


def best_contact_sheet(
    offence: ReportedOffence | None,
    watched: Mapping[str, Sequence[WatchedFrame]],
    data: DataDir,
    faces: FaceFinder | None,
    count: int = 12,
) -> ContactSheet | None:
    """Return the replay, else the sealed snapshots, else None: no offence, or nothing kept of it.

    `watched` has frames by camera id; without the offence's camera, and without `faces` (no server is
    there), the snapshots are shown.
    """
    if offence is None:
        return None
    with contextlib.suppress(PutAside):
        if faces is not None and offence.camera_id in watched:
            return replay_offence(offence, watched[offence.camera_id], data, faces, count)
    with contextlib.suppress(PutAside):
        return sealed_pictures(offence, data)
    return None


def caption_moments(offence: ReportedOffence) -> dict[datetime, str]:
    """Say what happened when, in a few words; moments that coincide are joined."""
    moments = [(offence.first_seen_at, "enters")]
    if offence.opened_at is not None:
        moments.append((offence.opened_at, "opened"))
    moments += [
        (call.at, f"call {call.rung_number or 'by hand'}: {call.rung_id}") for call in offence.calls
    ]
    if offence.ended_at is not None:
        moments.append((offence.ended_at, offence.state))
    captions: dict[datetime, str] = {}
    for at, words in moments:
        captions[at] = f"{captions[at]}, {words}" if at in captions else words
    return captions


def spread(frames: Sequence[WatchedFrame], must: set[datetime], count: int) -> list[WatchedFrame]:
    """Return frames of the moments that must be shown, filled up evenly from the others, in order."""
    chosen = {i for i, frame in enumerate(frames) if frame.tracked.frame.captured_at in must}
    while len(chosen) < min(count, len(frames)):
        # the frame that lies farthest from all that are shown already
        rest = (i for i in range(len(frames)) if i not in chosen)
        chosen.add(max(rest, key=lambda i: min((abs(i - shown) for shown in chosen), default=0)))
    return [frames[i] for i in sorted(chosen)]


def _picture(
    frame: WatchedFrame,
    around: Sequence[WatchedFrame],
    clip: BinaryIO,
    clip_from_at: datetime,
    offence: ReportedOffence,
    captions: dict[datetime, str],
    faces: FaceFinder,
) -> SheetPicture:
    at = frame.tracked.frame.captured_at
    image = grab_frame(clip, (at - clip_from_at).total_seconds())
    rows = np.flatnonzero(frame.tracked.track_ids == offence.track_id)
    # under another number, where they came out of hiding
    said = {each.at: each.box_xyxy for each in offence.sightings}
    box = as_box(frame.tracked.boxes_xyxy[rows[0]]) if len(rows) else said.get(at)
    found = find_all_faces(image, MaskSubject(box or offence.sightings[0].box_xyxy), faces)
    # who is missed in this frame was mostly seen in the one before or after, nearly there
    heads = [head_boxes(watched) for watched in around]
    covered = np.concatenate([found, *heads])
    return SheetPicture(
        image_rgb=mask_regions(image, covered),
        at=at,
        since_first_s=(at - offence.first_seen_at).total_seconds(),
        box_xyxy=box,
        caption=captions.get(at, ""),
    )


def head_boxes(frame: WatchedFrame) -> np.ndarray:
    """Return (n, 4) heads of all people, pixels; also of those hardly recognised as people."""
    seen = frame.detections
    boxes = seen.boxes_xyxy[seen.scores >= MIN_PERSON_SCORE]
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    upright = (height > width) & (height < TALLEST_PERSON * seen.frame.height_px)
    heads: np.ndarray = boxes[upright]
    heads[:, 3] = heads[:, 1] + HEAD_SHARE * height[upright]
    return heads


def _view(pictures: Sequence[SheetPicture]) -> Box:
    """Return where the subject was, with as much around it again, and never too little."""
    height_px, width_px = pictures[0].image_rgb.shape[:2]
    boxes = np.array([picture.box_xyxy for picture in pictures if picture.box_xyxy]).reshape(-1, 4)
    if not len(boxes):
        return (0.0, 0.0, float(width_px), float(height_px))
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    size = np.array([width_px, height_px], float)
    # one share for both sides keeps the camera's proportions
    share = min(1.0, max(LEAST_VIEW, float(((high - low) * 1.5 / size).max())))
    corner = np.clip((low + high) / 2 - share * size / 2, 0, size * (1 - share))
    return as_box(np.concatenate([corner, corner + share * size]))
