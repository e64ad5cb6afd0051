"""Watch recorded footage once more, with no stream running: who was where, and with which scores.

The event log keeps sightings of offences only. The same readers, detector, tracker and zones over
the same file give the rest again, number for number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.cameras import CameraNotice
from domain.detections import Detections
from domain.errors import PutAside
from domain.frames import SampledFrame
from domain.site import Camera, Site
from domain.tracks import TrackedFrame
from flows.sources.camera_reader import CameraReader, Playback
from flows.sources.sample_queue import SampleQueue
from flows.steps.close_looks import detect_closely
from flows.steps.detect import Detector
from flows.steps.rule_watch import watch_keys, watch_of
from flows.steps.track import PERSON
from flows.story.offences import OffenceStory
from flows.watch import tracker_for

BATCH = 8  # frames a request


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class WatchedFrame:
    """One analysed frame."""

    detections: Detections  # people only, also those too weak to be tracked
    tracked: TrackedFrame
    inside: frozenset[int]  # track ids that stand in a zone of a rule


def watch_site_again(
    site: Site, base: Path, detector: Detector, offences: Sequence[OffenceStory]
) -> tuple[dict[str, list[WatchedFrame]], list[str]]:
    """The file cameras of a site whose footage tells the same story as the log.

    Returns:
        (frames by camera id, a sentence about each camera). A camera that cannot be played again,
        or that shows other people than the log tells of, is named and left out.
    Raises:
        TryAgain: the detector is away.
    """
    watched, said = {}, []
    for camera in site.cameras:
        mine = [each for each in offences if each.camera_id == camera.id]
        try:
            frames = watch_again(site, camera.id, base, detector)
        except PutAside as error:
            said.append(str(error))
            continue
        again = found_again(mine, frames)
        said.append(
            f"{camera.id}: {len(frames)} frames, {again} of {len(mine)} offences found again"
        )
        if again == len(mine):
            watched[camera.id] = frames
        else:
            said[-1] += "; left out: is it the run's footage, site file and model?"
    return watched, said


def watch_again(site: Site, camera_id: str, base: Path, detector: Detector) -> list[WatchedFrame]:
    """Every analysed frame of one file camera, in order.

    Args:
        base: folder that relative paths of the site file start at.
        detector: models/serving's Detector, or anything that answers like it.
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
    for frames in _batches(camera, base):
        for found in detect_closely(detector.detect, frames):
            tracked = tracker.update(found)
            if tracked is None:
                continue
            inside = frozenset(
                int(holding.subject)
                for rule in rules
                for holding in rule.look(tracked)
                if holding.holds and holding.subject.isdigit()
            )
            watched.append(WatchedFrame(_people(found), tracked, inside))
    return watched


def _batches(camera: Camera, base: Path) -> Iterator[list[SampledFrame]]:
    """The frames that a run with --until-end analyses, in batches."""
    queue = SampleQueue(4 * BATCH, drops_oldest=False)
    reader = CameraReader(camera, base, Playback(until_end=True), queue)
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


def found_again(offences: Sequence[OffenceStory], watched: Sequence[WatchedFrame]) -> int:
    """How many of one camera's offences have each sighting on the same frame, track and place.

    Fewer than all of them means that the log is of other footage, another model or a looped run.
    """
    boxes = {
        (frame.tracked.frame.captured_at, int(track_id)): box
        for frame in watched
        for track_id, box in zip(frame.tracked.track_ids, frame.tracked.boxes_xyxy, strict=True)
    }

    def is_there(offence: OffenceStory) -> bool:
        places = [
            (boxes.get((each.at, offence.track_id)), each.box_xyxy) for each in offence.sightings
        ]
        return all(box is not None and abs(box - said).max() < 0.5 for box, said in places)

    return sum(is_there(offence) for offence in offences)
