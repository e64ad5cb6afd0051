"""Describe a record's masked clips to the page's player: marks of the rungs, boxes, pictures a second."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from dashboards.data.record_lookup import StoredRecord
from dashboards.display_names import DisplayNames
from domain.events.base import TrackPoint
from domain.events.catalog import EvidenceFile, EvidenceMasked, OutcomeData, Sighting
from evidence_store.vault.clip_times import ClipTimes

USUAL_FPS = 25.0  # one step, where the numbers do not say how many pictures there are


@dataclass(frozen=True, slots=True)
class ClipMark:
    """One moment on a clip's timeline."""

    at_s: float  # of the clip
    place: float  # on the timeline, in percent
    label: str  # short: the number of the rung
    title: str


@dataclass(frozen=True, slots=True)
class ClipPlayer:
    """One clip as the page's script plays it."""

    name: str
    address: str
    fps: float
    marks: list[ClipMark]
    boxes: str  # JSON: [[second, x1, y1, x2, y2], …], places in fractions of the picture, in order of time


def clip_players(
    stored: StoredRecord, names: DisplayNames, address: Callable[[str], str]
) -> list[ClipPlayer]:
    """Describe each masked clip; `address` gives the one of a file by its name."""
    return [_player(stored, file, names, address(file.name)) for file in stored.masked_clips]


def why_no_clip(stored: StoredRecord, names: DisplayNames) -> str:
    """Say in one sentence why there is no masked clip to play."""
    if not any(file.role == "clip" for file in stored.record.files):
        return names.say("unmasked.no_clip")
    for event in stored.offence.history if stored.offence else ():
        if isinstance(event.data, EvidenceMasked) and event.data.reason:
            return names.say("record.clip_not_masked", reason=event.data.reason)
    return names.say("record.clip_not_yet")


def _player(
    stored: StoredRecord, file: EvidenceFile, names: DisplayNames, address: str
) -> ClipPlayer:
    outcome = _outcome(stored)
    # clip-2.masked.mp4 was made from clip-2.mp4
    original = PurePosixPath(file.name).name.replace(".masked", "")
    times = ClipTimes.of(stored.story, outcome, original) if outcome else None
    if outcome is None or times is None:
        return ClipPlayer(file.name, address, USUAL_FPS, [], "[]")
    marks = []
    for label, title, sighting in _moments(outcome, names):
        at_s = times.media_time_s(sighting)
        if at_s is not None:
            place = 100 * at_s / times.duration_s if times.duration_s else 0.0
            marks.append(ClipMark(round(at_s, 3), round(place, 2), label, title))
    boxes = json.dumps(_boxes(outcome, times))
    return ClipPlayer(file.name, address, round(times.fps, 3) or USUAL_FPS, marks, boxes)


def _moments(outcome: OutcomeData, names: DisplayNames) -> list[tuple[str, str, Sighting]]:
    """List what is marked: (short label, title, where the subject was)."""
    rungs = [
        (str(number), names.say("record.mark_rung", number=number), sighting)
        for number, sighting in enumerate(outcome.rung_sightings, start=1)
    ]
    first = ("▸", names.say("record.mark_first"), outcome.first_sighting)
    return [first, *rungs, ("■", names.say("record.mark_last"), outcome.last_sighting)]


def _boxes(outcome: OutcomeData, times: ClipTimes) -> list[list[float]]:
    wide, high = outcome.first_sighting.frame_width_px, outcome.first_sighting.frame_height_px
    sightings = (outcome.first_sighting, *outcome.rung_sightings, outcome.last_sighting)
    points: list[TrackPoint | Sighting] = [*outcome.track, *sightings]
    boxes = {}
    for point in points:
        at_s = times.media_time_s(point)
        if at_s is not None:
            x1, y1, x2, y2 = point.box_xyxy
            place = (x1 / wide, y1 / high, x2 / wide, y2 / high)
            boxes[round(at_s, 3)] = [round(value, 4) for value in place]
    return [[at_s, *box] for at_s, box in sorted(boxes.items())]


def _outcome(stored: StoredRecord) -> OutcomeData | None:
    history = stored.offence.history if stored.offence else ()
    return next((event.data for event in history if isinstance(event.data, OutcomeData)), None)
