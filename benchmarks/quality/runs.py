"""Let the watch flow's own tracker follow people on a clip; each clip is read once, each run kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import av

from benchmarks.quality.footage import DARK, EvalData, Truth, native_fps
from benchmarks.quality.naming import Naming, name, same_person
from benchmarks.quality.sights import Sights, look
from benchmarks.quality.stays import Stay, StayMarks, climb, compare
from benchmarks.quality.true_stays import Path, paths_of, true_stays
from benchmarks.quality.zones import (
    CAMERA,
    MIN_SCORE,
    VIEWS,
    Kind,
    rules_of,
    site_of,
    zones_of,
)
from domain.detections import Detections
from domain.site.views import View
from domain.tracks import TrackedFrame
from flows.sources.automatic_views import views_of
from flows.tracking.track import CameraTracker

Views = tuple[View, ...]

RATES = (25.0, 10.0, 5.0, 2.5)


def rates_of(clip: str) -> tuple[float, ...]:
    """Return the frame rates at which a clip says something; of very slow ones, its own."""
    return (
        tuple(fps for fps in RATES if fps <= native_fps(clip))
        if native_fps(clip) > 5
        else (native_fps(clip),)
    )


@dataclass(frozen=True, eq=False)
class Run:
    """One clip, watched with one kind of zones at one frame rate."""

    clip: str
    kind: Kind
    fps: float
    frames: list[int]  # which of the clip's
    tracked: list[TrackedFrame]
    truth: Truth

    @cached_property
    def naming(self) -> Naming:
        """Return who is who."""
        return name(self.truth, self.tracked, self.frames)

    @cached_property
    def paths(self) -> dict[int, Path]:
        """Return where everybody was, by the truth."""
        stamps = [each.frame for each in self.tracked]
        frames = dict(zip(self.frames, stamps, strict=True))
        return paths_of(self.truth, frames, zones_of(self.clip, self.kind))

    def stays(self, threshold_s: float) -> list[Stay]:
        """Return the offences that the rule and its ladder find."""
        site = site_of(zones_of(self.clip, self.kind), threshold_s, self.clip)
        return climb(site, self.tracked)

    def marks(self) -> StayMarks:
        """Judge the offences of all rules."""
        marks = StayMarks()
        end_s = self.tracked[-1].frame.captured_at.timestamp()
        for threshold_s in rules_of(self.clip):
            expected = true_stays(self.paths, threshold_s, end_s)
            where = f"{self.clip}, {self.kind}, {self.fps:g} fps, {threshold_s:g} s"
            found = self.stays(threshold_s)
            marks.add(compare(expected, found, self.naming, self.paths, where))
        return marks

    def linked(self) -> set[tuple[int, int]]:
        """Return pairs of different people who had one number, or of whom one was taken for the other."""
        same = same_person(self.clip)
        merged = self.naming.merged_pairs(1 / self.fps, same)
        return merged | self.naming.wrong_links(self.tracked, same)


class Runs:
    """Make runs of the clips of one folder."""

    def __init__(self, data: EvalData) -> None:
        self.data = data
        self._sights: dict[tuple[str, Views, Views], dict[float, Sights]] = {}
        self._runs: dict[tuple[str, Kind, float], Run] = {}

    def sights(self, clip: str, views: Views = (), areas: Views = ()) -> dict[float, Sights]:
        """Return what the detect step makes of the frames, by frame rate; see sights.look."""
        key = clip, views, areas
        if key not in self._sights:
            self._sights[key] = look(self.data, clip, views, areas, rates_of(clip))
        return self._sights[key]

    def run(self, clip: str, kind: Kind, fps: float) -> Run:
        """Follow the people of a clip at that frame rate."""
        key = clip, kind, fps
        if key not in self._runs:
            areas = tuple(site_of(zones_of(clip, kind), 1.0, clip).watched_areas(CAMERA))
            sights = self.sights(clip, self._views(clip, kind), areas)[fps]
            tracked = follow(sights.seen, fps, max(rules_of(clip)))
            truth = self.data.truth(clip, with_set_aside=True)
            self._runs[key] = Run(clip, kind, fps, sights.frames, tracked, truth)
        return self._runs[key]

    def _views(self, clip: str, kind: Kind) -> Views:
        """Return what the detector is shown; as the camera comes, unless the kind names views."""
        if kind == "whole picture":
            return ()
        if kind == "views by hand":
            return VIEWS[clip.removesuffix(DARK)]
        site = site_of(zones_of(clip, kind), 1.0, clip)
        with av.open(str(self.data.clip(clip))) as container:
            size = container.streams.video[0].codec_context
            areas = site.watched_areas(CAMERA)
            return views_of(site.camera(CAMERA), areas, size.width, size.height)


def follow(
    seen: Sequence[Detections], fps: float, decide_within_s: float = 0.0
) -> list[TrackedFrame]:
    """Return what the watch flow's tracker makes of it; it compares until the longest rule's offence opens."""
    tracker = CameraTracker(fps, MIN_SCORE, decide_within_s=decide_within_s)
    told = [tracker.update(each) for each in seen]
    return [each for each in told if each is not None]
