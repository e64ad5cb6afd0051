"""Offences that the tracker and the ladder find on clips, beside those that the truth gives.

The truth's boxes, with the truth's numbers, go through the same rule and ladder: what comes out is
what a perfect detector and tracker would have found. So a difference is theirs, not the ladder's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

import av
import numpy as np

from benchmarks.quality_footage import PERSON, EvalData, Truth
from benchmarks.quality_naming import Naming
from benchmarks.quality_result import RULES_S
from domain.cameras import CameraNotice, ReadCounts
from domain.detections import Detections
from domain.events import Event, OffenceOpened, OffenceWarned, OutcomeData
from domain.site import Site
from domain.tracks import TrackedFrame
from domain.views import View
from flows.sources.automatic_views import views_of
from flows.steps.rule_watch import watch_of

CAMERA = "camera"

Polygon = tuple[tuple[float, float], ...]

# around the places where people stand, as fractions of the picture; by eye, from the timelines.
# The counter's ends above the lower edge: the foot of somebody cut off by it is not where it seems
_COUNTER: Polygon = ((0.52, 0.72), (0.74, 0.72), (0.74, 0.97), (0.52, 0.97))
ZONES: dict[str, tuple[Polygon, ...]] = {
    "pets_s2l1_a": (
        ((0.46, 0.38), (0.61, 0.38), (0.61, 0.50), (0.46, 0.50)),
        ((0.86, 0.20), (0.98, 0.20), (0.98, 0.34), (0.86, 0.34)),
    ),
    "counter_a": (_COUNTER,),
    "repeat_visit_a": (_COUNTER,),
    "long_dwell_a": (_COUNTER,),
    "counter_a_dark": (_COUNTER,),
}

# around the zones and the people who stand in them, as somebody would who sets a camera up
_ROOM: View = (0.35, 0.0, 0.92, 1.0)
VIEWS: dict[str, tuple[View, ...]] = {
    "pets_s2l1_a": ((0.36, 0.05, 0.72, 0.60), (0.72, 0.0, 1.0, 0.45)),
    "counter_a": (_ROOM,),
    "repeat_visit_a": (_ROOM,),
    "long_dwell_a": (_ROOM,),
    "counter_a_dark": (_ROOM,),
}


@dataclass(slots=True)
class Stay:
    """One offence: whose, from when, how long."""

    number: int
    opened_at: datetime
    first_at: datetime
    dwell_s: float = 0.0
    first_warnings: int = 0

    @property
    def last_s(self) -> float:
        """Seconds of event time at which it ended."""
        return self.first_at.timestamp() + self.dwell_s


@dataclass(slots=True)
class StayMarks:
    """Counts over one clip and rule, or over several."""

    expected: int = 0
    found: int = 0
    matched: int = 0
    dwell_errors_s: list[float] = field(default_factory=list)
    second_warnings: int = 0
    missed: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)

    def add(self, other: StayMarks) -> None:
        """Take in another clip's."""
        self.expected += other.expected
        self.found += other.found
        self.matched += other.matched
        self.dwell_errors_s += other.dwell_errors_s
        self.second_warnings += other.second_warnings
        self.missed += other.missed
        self.invented += other.invented

    @property
    def precision(self) -> float:
        """Of those found, the share that is true."""
        return self.matched / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Of the true ones, the share found."""
        return self.matched / self.expected if self.expected else 1.0


def site_for(clip: str, threshold_s: float) -> Site:
    """One camera, one rule: nobody stays in the zone for longer than that."""
    both = {"zh": "测试", "en": "test"}
    zone_ids = [f"zone-{row}" for row in range(len(ZONES[clip]))]
    return Site.model_validate(
        {
            "site": {"id": "quality", "title": both, "enforcement": "demonstration"},
            "cameras": [
                {
                    "id": CAMERA,
                    "title": both,
                    "url": f"{clip}.mp4",
                    "zones": [
                        {"id": f"zone-{row}", "title": both, "polygon": polygon}
                        for row, polygon in enumerate(ZONES[clip])
                    ],
                }
            ],
            "ladders": [
                {
                    "id": "calls",
                    "rungs": [{"id": "ask", "after_s": 0, "text": both}],
                    "escalate_after_s": 600,
                    "comply_after_s": 2,
                    "repeat_window_s": 600,
                    "repeat_starts_at": 1,
                }
            ],
            "rules": [
                {
                    "id": "stay",
                    "title": both,
                    "condition": {"present": {"zones": zone_ids, "classes": ["person"]}},
                    "min_score": 0.3,
                    "threshold_s": threshold_s,
                    "gap_tolerance_s": 2,
                    "ladder": "calls",
                }
            ],
        }
    )


def automatic_views(data: EvalData, clip: str) -> tuple[View, ...]:
    """What the detector is shown where the site file says nothing of views."""
    (camera,) = site_for(clip, RULES_S[0]).cameras
    with av.open(str(data.clip(clip))) as container:
        size = container.streams.video[0].codec_context
        return views_of(camera, size.width, size.height)


def tracked_truth(
    truth: Truth, seen: Sequence[Detections], frames: Sequence[int]
) -> list[TrackedFrame]:
    """The truth as a perfect tracker would tell it; `seen` lends the stamps of those frames."""
    told = []
    for each, frame in zip(seen, frames, strict=True):
        ids, boxes = truth.at(frame)
        told.append(
            TrackedFrame(
                frame=each.frame,
                boxes_xyxy=boxes.astype(np.float32),
                scores=np.ones(len(ids), np.float32),
                class_ids=np.full(len(ids), PERSON, np.int64),
                track_ids=ids,
            )
        )
    return told


def climb(site: Site, tracked: Sequence[TrackedFrame]) -> list[Stay]:
    """The offences that the real rule and ladder make of tracked frames."""
    watch = watch_of(site, f"{CAMERA}|{site.rules[0].id}")
    events: list[Event] = [event for frame in tracked for event in watch.step(frame)]
    last = tracked[-1].frame
    counts = ReadCounts(len(tracked), 0)
    end = CameraNotice(CAMERA, "ended", None, last.captured_at, counts, last.media_time_s)
    events += watch.notice(end)
    stays: dict[str, Stay] = {}
    for event in events:
        said = event.data
        if isinstance(said, OffenceOpened):
            number = int(said.subject_id.rsplit("/", 1)[1])
            stays[event.subject] = Stay(number, event.time, said.first_seen_at, said.dwell_s)
        elif isinstance(said, OffenceWarned) and said.rung_number == 1:
            stays[event.subject].first_warnings += 1
        if isinstance(said, OutcomeData):
            stays[event.subject].dwell_s = said.dwell_s
    return list(stays.values())


def compare(
    expected: Sequence[Stay], found: Sequence[Stay], naming: Naming, where: str
) -> StayMarks:
    """Pair found stays with true ones: the same person, at the same time; each at most once."""
    marks = StayMarks(expected=len(expected), found=len(found))
    taken: dict[int, Stay] = {}
    for stay in sorted(found, key=lambda each: each.first_at):
        start_s = stay.first_at.timestamp()
        person = naming.who(stay.number, start_s, stay.last_s)
        true = next(
            (
                row
                for row, each in enumerate(expected)
                if each.number == person
                and start_s <= each.last_s + 1
                and each.first_at.timestamp() - 1 <= stay.last_s
            ),
            None,
        )
        if true is None or true in taken:
            marks.invented.append(
                f"{where}: number {stay.number} on {person} for {stay.dwell_s:.1f} s"
            )
            if true is not None and stay.first_warnings:
                marks.second_warnings += 1
            continue
        taken[true] = stay
        marks.matched += 1
        marks.dwell_errors_s.append(abs(stay.dwell_s - expected[true].dwell_s))
    marks.missed += [
        f"{where}: person {each.number} for {each.dwell_s:.1f} s"
        for row, each in enumerate(expected)
        if row not in taken
    ]
    return marks


def thinned(seen: Sequence[Detections], fps: float) -> list[int]:
    """Frames of a grid of so many a second, as the sampler picks them."""
    cells = [int(each.frame.media_time_s * fps + 1e-3) for each in seen]
    return [0, *(row + 1 for row, (one, other) in enumerate(pairwise(cells)) if other > one)]


Track = Callable[[Sequence[Detections]], list[TrackedFrame]]
