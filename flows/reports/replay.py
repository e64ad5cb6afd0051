"""Replay recorded footage with no stream running: who was where, and with which scores.

The event log keeps sightings of offences only. The same readers, detector, tracker and zones over
the same file give the rest again, number for number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from domain.cameras.status import CameraNotice
from domain.detections import Detections
from domain.errors import PutAside
from domain.frames import SampledFrame
from domain.site.cameras import Camera
from domain.site.site import Site
from domain.site.views import View
from domain.tracks import Track, TrackedFrame
from flows.detection.detect import FrameDetector
from flows.detection.zoomed_views import detect_closely
from flows.escalation.watched_rule import watch_keys, watch_of
from flows.reports.offences import ReportedOffence
from flows.sources.camera_reader import CameraReader, Playback
from flows.sources.sample_queue import SampleQueue
from flows.tracking.track import PERSON
from flows.watch import tracker_for

BATCH = 8  # frames a request


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class WatchedFrame:
    """One analysed frame."""

    detections: Detections  # people only, also those too weak to be tracked
    tracked: TrackedFrame
    inside: frozenset[int]  # track ids that stand in a zone of a rule


def replay_site(
    site: Site, base: Path, detector: FrameDetector, offences: Sequence[ReportedOffence]
) -> tuple[dict[str, list[WatchedFrame]], list[str]]:
    """Replay a site's file cameras: (frames by camera id, a sentence about each camera).

    A camera that cannot be played again, or whose offences in the log are not all found again, is
    named and left out.

    Raises:
        TryAgain: the detector is away.
    """
    watched, remarks = {}, []
    for camera in site.cameras:
        mine = [offence for offence in offences if offence.camera_id == camera.id]
        try:
            frames = replay_camera(site, camera.id, base, detector)
        except PutAside as error:
            remarks.append(str(error))
            continue
        again = count_found_again(mine, frames)
        remarks.append(
            f"{camera.id}: {len(frames)} frames, {again} of {len(mine)} offences found again"
        )
        if again == len(mine):
            watched[camera.id] = frames
        else:
            remarks[-1] += "; left out: is it the run's footage, site file and model?"
    return watched, remarks


def replay_camera(
    site: Site, camera_id: str, base: Path, detector: FrameDetector
) -> list[WatchedFrame]:
    """Return every analysed frame of one file camera, in order.

    Relative paths of the site file start at `base`.

    Raises:
        PutAside: the camera is a live stream, or its footage cannot be read.
        TryAgain: the detector is away.
    """
    camera = site.camera(camera_id)
    if camera.is_live:
        raise PutAside(f"{camera_id}: needs a file, got {camera.url}, which cannot be played again")
    tracker = tracker_for(site, camera_id)
    rules = [watch_of(site, key) for key in watch_keys(site)[camera_id]]
    watched = []
    for frames in _batches(camera, base, site.watched_areas(camera_id)):
        for found in detect_closely(detector.detect, frames):
            tracked = tracker.update(found)
            if tracked is None:
                continue
            inside = frozenset(
                holding.subject.number
                for rule in rules
                for holding in rule.look(tracked)
                if holding.holds and isinstance(holding.subject, Track)
            )
            watched.append(WatchedFrame(_people(found), tracked, inside))
    return watched


def _batches(
    camera: Camera, base: Path, watched_areas: Sequence[View]
) -> Iterator[list[SampledFrame]]:
    """Yield the frames that a run with --until-end analyses, in batches."""
    queue = SampleQueue(4 * BATCH, drops_oldest=False)
    reader = CameraReader(
        camera, base, Playback(until_end=True), queue, watched_areas=watched_areas
    )
    reader.start()
    frames: list[SampledFrame] = []
    try:
        while True:
            for item in queue.drain(BATCH):
                if not isinstance(item, CameraNotice):
                    frames.append(item.frame)
                elif item.status == "failed":
                    raise PutAside(item.reason)
                elif item.status == "ended":
                    if frames:
                        yield frames
                    return
            if len(frames) >= BATCH:
                yield frames[:BATCH]
                del frames[:BATCH]
            elif not len(queue):
                reader.join(0.005)
    finally:
        reader.stop()
        reader.join()


def _people(found: Detections) -> Detections:
    keep = found.class_ids == PERSON
    return Detections(
        frame=found.frame,
        boxes_xyxy=found.boxes_xyxy[keep],
        scores=found.scores[keep],
        class_ids=found.class_ids[keep],
    )


def count_found_again(offences: Sequence[ReportedOffence], watched: Sequence[WatchedFrame]) -> int:
    """Count the camera's offences that have each sighting on the same frame and place.

    Under which number does not count: who was hidden comes out under another one. Fewer than all of them
    means that the log is of other footage, another model or a looped run.
    """
    boxes = {frame.tracked.frame.captured_at: frame.tracked.boxes_xyxy for frame in watched}

    def is_there(offence: ReportedOffence) -> bool:
        for sighting in offence.sightings:
            there = boxes.get(sighting.at)
            if there is None or not len(there):
                return False
            if abs(there - np.array(sighting.box_xyxy)).max(axis=1).min() >= 0.5:
                return False
        return True

    return sum(is_there(offence) for offence in offences)
