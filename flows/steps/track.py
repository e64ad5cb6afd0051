"""Detections of one camera in, numbered subjects out: on event time, saved with every epoch."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

import numpy as np
from bytewax.operators import StatefulBatchLogic

from domain.cameras import CameraNotice
from domain.detections import Detections
from domain.tracks import SubjectLink, TrackedFrame
from flows.subjects.memory import SubjectMemory, SubjectState
from flows.subjects.settings import SubjectSettings
from flows.subjects.subject import Subject

PERSON = 1  # COCO's category id
# the rest is where they were foreseen: steadier; with more of that, stays begin and end late
DETECTOR_SHARE = 0.8
# to begin a subject takes a better score than to go on with one (hysteresis)
BEGIN_FACTOR = 1.5
REPEAT_WINDOW_S = 600.0

TrackerState = tuple[bytes, datetime | None]


class CameraTracker:
    """Gives the people of one camera numbers that stay theirs.

    A plain class: a notebook can call `update` with no stream running. Frames at or before the
    last one are ignored, so a replay after a crash changes nothing.
    """

    def __init__(
        self,
        analyse_fps: float,
        min_score: float,
        *,
        class_ids: Iterable[int] = (PERSON,),
        repeat_window_s: float = REPEAT_WINDOW_S,
        settings: SubjectSettings | None = None,
    ) -> None:
        """Args:
        min_score: the least that any rule takes for somebody.
        class_ids: COCO categories to follow.
        repeat_window_s: for so long people who left can be recognised; then their colours are
            forgotten.
        """
        self._class_ids = sorted(set(class_ids))
        wanted = replace(settings or SubjectSettings(), repeat_window_s=repeat_window_s)
        self._settings = _fit(wanted, analyse_fps, min_score)
        self._last_at: datetime | None = None
        self._memory = SubjectMemory(self._settings)

    def update(self, detections: Detections) -> TrackedFrame | None:
        """Number one frame's subjects; None for a frame that was seen before."""
        at = detections.frame.captured_at
        if self._last_at is not None and at <= self._last_at:
            return None
        self._last_at = at
        # a frame holds few: comparing them with each is quicker than np.isin
        wanted = (detections.class_ids[:, None] == self._class_ids).any(axis=1)
        appearances = detections.appearances
        seen = replace(
            detections,
            boxes_xyxy=detections.boxes_xyxy[wanted],
            scores=detections.scores[wanted],
            class_ids=detections.class_ids[wanted],
            appearances=None if appearances is None else appearances[wanted],
        )
        found, links = self._memory.update(seen)
        return _tell(seen, found, links)

    def save(self) -> TrackerState:
        """State to go on from; numbers last through a restart."""
        return pickle.dumps(self._memory.state), self._last_at

    def restore(self, state: TrackerState) -> None:
        """Go on from a saved state."""
        saved, self._last_at = state
        if not saved:  # the camera had sent notices only
            return
        kept = pickle.loads(saved)
        # an earlier version saved something else: numbers begin anew, as at a first start
        if isinstance(kept, SubjectState):
            self._memory = SubjectMemory(self._settings, kept)


def _fit(settings: SubjectSettings, analyse_fps: float, min_score: float) -> SubjectSettings:
    """Settings for one camera: scores as its rules want them, patience of some frames at least."""
    frame_s = 1 / analyse_fps
    return replace(
        settings,
        weak_score=min(settings.weak_score, min_score),
        strong_score=max(min(settings.strong_score, BEGIN_FACTOR * min_score), min_score),
        forget_unnamed_after_s=max(settings.forget_unnamed_after_s, 2.5 * frame_s),
        direct_gap_s=max(settings.direct_gap_s, 3.5 * frame_s),
    )


def _tell(seen: Detections, found: dict[int, Subject], links: list[SubjectLink]) -> TrackedFrame:
    rows = list(found)
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
        steady_scores=np.array([each.steady_score for each in found.values()], np.float32),
    )


class TrackLogic(
    StatefulBatchLogic[Detections | CameraNotice, TrackedFrame | CameraNotice, TrackerState]
):
    """Bytewax's face of CameraTracker, one for each camera.

    Bytewax does not say which key a logic is for, so the tracker is made when the first frame
    tells the camera.
    """

    def __init__(
        self, make_tracker: Callable[[str], CameraTracker], resume: TrackerState | None
    ) -> None:
        self._make_tracker = make_tracker
        self._resume = resume
        self._tracker: CameraTracker | None = None

    def on_batch(
        self, values: list[Detections | CameraNotice]
    ) -> tuple[list[TrackedFrame | CameraNotice], bool]:
        """Tracks for each new frame; notices pass through in order."""
        out: list[TrackedFrame | CameraNotice] = []
        for value in values:
            result = value if isinstance(value, CameraNotice) else self._track(value)
            if result is not None:
                out.append(result)
        return out, StatefulBatchLogic.RETAIN

    def _track(self, detections: Detections) -> TrackedFrame | None:
        if self._tracker is None:
            self._tracker = self._make_tracker(detections.frame.camera_id)
            if self._resume is not None:
                self._tracker.restore(self._resume)
        return self._tracker.update(detections)

    def on_eof(self) -> tuple[list[TrackedFrame | CameraNotice], bool]:
        """A stop is not the end of a track."""
        return [], StatefulBatchLogic.RETAIN

    def snapshot(self) -> TrackerState:
        """Called at the end of each epoch in which something came."""
        if self._tracker is not None:
            return self._tracker.save()
        return self._resume or (b"", None)
