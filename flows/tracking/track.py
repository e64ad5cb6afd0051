"""Track one camera: detections in, numbered subjects out; on event time, saved with every epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from pydantic import AwareDatetime, NonNegativeInt

from domain.cameras.status import CameraNotice
from domain.detections import Detections
from domain.saved_state import Saved, StateFormat
from domain.tracks import Resemblances, SubjectLink, TrackedFrame
from flows.keyed_logic import WatcherLogic
from flows.put_aside import StepAside
from flows.tracking.impossible import is_nobody
from flows.tracking.likelihood import KINDS, LikenessKind
from flows.tracking.memory import SubjectMemory
from flows.tracking.remembered import SubjectState
from flows.tracking.settings import SubjectSettings
from flows.tracking.subject import Subject

PERSON = 1  # COCO's category id
# the rest is where they were foreseen: steadier; with more of that, stays begin and end late
DETECTOR_SHARE = 0.8
# to begin a subject takes a better score than to go on with one (hysteresis)
BEGIN_FACTOR = 1.5
REPEAT_WINDOW_S = 600.0


@dataclass(frozen=True, slots=True)
class TrackerState:
    """Hold what a restart needs of one camera's tracker."""

    subjects: SubjectState = field(default_factory=SubjectState)
    last_at: AwareDatetime | None = None
    run: str = ""  # of the last frame
    boxes_left_out: NonNegativeInt = 0  # earlier versions left none out


TRACKER_FORMAT = StateFormat[TrackerState](TrackerState)


class CameraTracker:
    """Give the people of one camera numbers that stay theirs.

    A plain class: a notebook can call `update` with no stream running. Of one run, frames at or before
    the last one are ignored, so a replay after a crash changes nothing.
    """

    def __init__(
        self,
        analyse_fps: float,
        min_score: float,
        *,
        class_ids: Iterable[int] = (PERSON,),
        repeat_window_s: float = REPEAT_WINDOW_S,
        decide_within_s: float = 0.0,
        settings: SubjectSettings | None = None,
        kinds: Sequence[LikenessKind] = KINDS,
    ) -> None:
        """Begin with nobody.

        Args:
            analyse_fps: frames of the camera a second.
            min_score: the least that any rule takes for somebody.
            class_ids: COCO categories to follow.
            repeat_window_s: for so long people who left can be recognised; then their colours are
                forgotten.
            decide_within_s: for so long at least somebody who came is compared with them.
            kinds: by which likeness; the first that is known of somebody.
            settings: for a benchmark that tries others.
        """
        self._class_ids = sorted(set(class_ids))
        wanted = settings or SubjectSettings()
        wanted = replace(
            wanted,
            repeat_window_s=repeat_window_s,
            decide_within_s=max(wanted.decide_within_s, decide_within_s),
        )
        self._settings = _fit(wanted, analyse_fps, min_score)
        self._kinds = kinds
        self._last_at: datetime | None = None
        self._run = ""
        self._memory = SubjectMemory(self._settings, kinds=kinds)
        self._boxes_left_out = 0

    def update(self, detections: Detections) -> TrackedFrame | None:
        """Return one frame's subjects with their numbers; None for a frame that was seen before."""
        at, run = detections.frame.captured_at, detections.frame.run
        if run != self._run:
            self._begin_run(run, at)
        if self._last_at is not None and at <= self._last_at:
            return None
        self._last_at = at
        # a frame holds few: comparing them with each is quicker than np.isin
        wanted = (detections.class_ids[:, None] == self._class_ids).any(axis=1)
        nobody = is_nobody(detections)
        self._boxes_left_out += int((wanted & nobody).sum())
        wanted &= ~nobody
        appearances, likeness = detections.appearances, detections.likeness
        seen = replace(
            detections,
            boxes_xyxy=detections.boxes_xyxy[wanted],
            scores=detections.scores[wanted],
            class_ids=detections.class_ids[wanted],
            appearances=None if appearances is None else appearances[wanted],
            likeness=None if likeness is None else likeness[wanted],
        )
        found, links = self._memory.update(seen)
        resembling = self._memory.resemblances(found)
        return _tracked(seen, found, links, resembling, self._boxes_left_out, self._settings)

    @property
    def boxes_left_out(self) -> int:
        """Count the boxes, since the camera is watched, that were said to be a person and cannot be one."""
        return self._boxes_left_out

    def _begin_run(self, run: str, at: datetime) -> None:
        """Go on with a reader's frames; where those before lie in the future, nobody can be known again."""
        self._run = run
        if self._last_at is not None and at <= self._last_at:
            next_number = self._memory.state.next_number
            self._memory = SubjectMemory(self._settings, SubjectState(next_number), self._kinds)
            self._last_at = None

    def save(self) -> Saved:
        """Return the state to go on from; numbers last through a restart."""
        return TRACKER_FORMAT.save(
            TrackerState(self._memory.state, self._last_at, self._run, self._boxes_left_out)
        )

    def restore(self, saved: Saved) -> None:
        """Go on from a saved state.

        Raises:
            StateUnusable: it cannot be read.
        """
        state = TRACKER_FORMAT.restore(saved)
        self._last_at, self._run = state.last_at, state.run
        self._memory = SubjectMemory(self._settings, state.subjects, self._kinds)
        self._boxes_left_out = state.boxes_left_out


def _fit(settings: SubjectSettings, analyse_fps: float, min_score: float) -> SubjectSettings:
    """Fit the settings to one camera: scores as its rules want them, patience of some frames at least."""
    frame_s = 1 / analyse_fps
    return replace(
        settings,
        weak_score=min(settings.weak_score, min_score),
        strong_score=max(min(settings.strong_score, BEGIN_FACTOR * min_score), min_score),
        forget_unnamed_after_s=max(settings.forget_unnamed_after_s, 2.5 * frame_s),
        direct_gap_s=max(settings.direct_gap_s, 3.5 * frame_s),
    )


def _tracked(
    seen: Detections,
    found: dict[int, Subject],
    links: list[SubjectLink],
    resemblances: Resemblances,
    boxes_left_out: int,
    settings: SubjectSettings,
) -> TrackedFrame:
    rows = list(found)
    speeds = [(each.speed_x, each.speed_y) for each in found.values()]
    came = np.array([each.begin_xyxy for each in found.values()], np.float32)
    steady = np.array([each.box_xyxy for each in found.values()], np.float32).reshape(-1, 4)
    boxes = DETECTOR_SHARE * seen.boxes_xyxy[rows] + (1 - DETECTOR_SHARE) * steady
    return TrackedFrame(
        frame=seen.frame,
        boxes_xyxy=boxes.astype(np.float32),
        scores=np.asarray(seen.scores[rows], np.float32),
        class_ids=np.array([each.class_id for each in found.values()], np.int64),
        track_ids=np.array([each.number for each in found.values()], np.int64),
        sight=seen.sight,
        links=tuple(links),
        matches={each.number: each.match for each in found.values() if each.match is not None},
        steady_scores=np.array([each.steady_score for each in found.values()], np.float32),
        boxes_left_out=boxes_left_out,
        feet_y=np.array(
            [
                each.feet.bottom_of(box[1], box[3])
                for each, box in zip(found.values(), boxes.tolist(), strict=True)
            ],
            np.float32,
        ),
        speeds_px=np.array(speeds, np.float32).reshape(-1, 2),
        trembles=np.array([each.trembles(settings) for each in found.values()], bool),
        came_at_s=np.array([each.first_s for each in found.values()], np.float64),
        came_xyxy=came.reshape(-1, 4),
        looked_at_xyxy=seen.looked_at_xyxy,
        resemblances=resemblances,
        doubled_since_s={
            each.number: max(each.doubles.values()) for each in found.values() if each.doubles
        },
    )


TrackItem = Detections | CameraNotice
TrackMade = TrackedFrame | CameraNotice


class TrackLogic(WatcherLogic[TrackItem, TrackMade, CameraTracker]):
    """Bytewax adapter for `CameraTracker`; one per camera."""

    def __init__(
        self,
        make: Callable[[str], CameraTracker],
        resume: Saved | None,
        aside: StepAside | None = None,
    ) -> None:
        super().__init__(make, resume, TRACKER_FORMAT.save(TrackerState()), aside)

    def key_of(self, item: TrackItem) -> str:
        """Return the camera."""
        return item.camera_id if isinstance(item, CameraNotice) else item.frame.camera_id

    def take(self, watcher: CameraTracker, item: TrackItem) -> list[TrackMade]:
        """Return the tracks of a new frame; notices pass through, with the boxes counted that none is of."""
        if isinstance(item, CameraNotice):
            return [replace(item, boxes_left_out=watcher.boxes_left_out)]
        made = watcher.update(item)
        return [] if made is None else [made]
