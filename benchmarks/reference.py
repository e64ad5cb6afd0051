"""Work out without Bytewax and without Triton what the watch flow must find.

The flow's own steps are called one after the other on one camera. A timed run that wrote the same
event ids has decoded, detected and tracked the same; so the count of people here is its count too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.results import WrongOutputs
from benchmarks.workload import ANALYSED_PER_CAMERA, MIN_SCORE
from domain.cameras.status import CameraNotice
from domain.detections import Detections
from domain.errors import Stop
from domain.events.catalog import Event
from domain.site.cameras import Camera
from domain.site.loading import load_site
from domain.site.site import Site
from flows.escalation.watched_rule import watch_keys, watch_of
from flows.sources.camera_reader import CameraReader, Playback
from flows.sources.sample_queue import ReaderItem, Sample, SampleQueue
from flows.tracking.colours import with_appearances
from flows.tracking.track import PERSON
from flows.watch import tracker_for
from models.direct import DirectInference
from models.serving.client import Detector


@dataclass(frozen=True, slots=True)
class Reference:
    """One pass over the clip as every camera of a site."""

    offence_event_ids: frozenset[str]
    people: int  # detections of persons with at least MIN_SCORE, all frames of all cameras


def work_out(site_file: Path) -> Reference:
    """Analyse the clip once (all cameras show it) and climb each camera's ladder."""
    site = load_site(site_file)
    items = [*_read(site, site.cameras[0], site_file.parent)]
    frames = [item.frame for item in items if isinstance(item, Sample)]
    if len(frames) != ANALYSED_PER_CAMERA:
        raise WrongOutputs(f"the clip should give {ANALYSED_PER_CAMERA} frames, gave {len(frames)}")
    answers = Detector(DirectInference()).detect(frames)
    detections = [with_appearances(*each) for each in zip(answers, frames, strict=True)]
    people = sum(
        int(((each.class_ids == PERSON) & (each.scores >= MIN_SCORE)).sum()) for each in detections
    )
    if not people:
        raise Stop("the detector saw nobody in the sample clip; are the models built right?")
    end = next(i for i in items if isinstance(i, CameraNotice) and i.status == "ended")
    ids = {e.id for camera in site.cameras for e in _climb(site, camera, detections, end)}
    return Reference(frozenset(ids), people * len(site.cameras))


def _read(site: Site, camera: Camera, base: Path) -> list[ReaderItem]:
    queue = SampleQueue(10_000, drops_oldest=False)
    areas = site.watched_areas(camera.id)
    CameraReader(camera, base, Playback(until_end=True), queue, watched_areas=areas).run()
    return queue.drain(10_000)


def _climb(
    site: Site, camera: Camera, detections: list[Detections], end: CameraNotice
) -> Iterator[Event]:
    tracker = tracker_for(site, camera.id)
    watch = watch_of(site, watch_keys(site)[camera.id][0])
    for each in detections:
        tracked = tracker.update(_as_seen_by(camera, each))
        if tracked is not None:
            yield from watch.step(tracked)
    yield from watch.notice(end)


def _as_seen_by(camera: Camera, detections: Detections) -> Detections:
    return replace(detections, frame=replace(detections.frame, camera_id=camera.id))
