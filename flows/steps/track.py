"""Detections of one camera in, tracks out: ByteTrack on event time, saved with every epoch."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from datetime import datetime

import numpy as np
import supervision as sv
from bytewax.operators import StatefulBatchLogic
from trackers import ByteTrackTracker

from domain.cameras import CameraNotice
from domain.detections import Detections
from domain.tracks import TrackedFrame

# SSD MobileNet's scores for people of 30-80 px height lie around .3-.6 (findings on the sample
# clip); ByteTrack's own .7 would leave most of them without a track
NEW_TRACK_SCORE = 0.35
STRONG_SCORE = 0.35
# a walker is hidden by the lamp post of the sample clip for 1-2 s; longer invites id theft
LOST_AFTER_S = 2.0
REFERENCE_FPS = 30  # ByteTrack's budget is written in frames of this rate

PERSON = 1  # COCO's category id

TrackerState = tuple[bytes, datetime | None]


class CameraTracker:
    """Gives the people of one camera numbers that last from frame to frame.

    A plain class: a notebook can call `update` with no stream running. Frames at or before the
    last one are ignored, so a replay after a crash changes nothing.
    """

    def __init__(self, analyse_fps: float, min_score: float) -> None:
        self._min_score = min_score
        self._last_at: datetime | None = None
        self._tracker = ByteTrackTracker(
            lost_track_buffer=round(LOST_AFTER_S * REFERENCE_FPS),
            frame_rate=analyse_fps,
            track_activation_threshold=max(NEW_TRACK_SCORE, min_score),
            high_conf_det_threshold=max(STRONG_SCORE, min_score),
            minimum_consecutive_frames=2,
            minimum_iou_threshold=0.1,
        )

    def update(self, detections: Detections) -> TrackedFrame | None:
        """Link one frame's detections to the tracks; None for a frame that was seen before."""
        stamp = detections.frame
        if self._last_at is not None and stamp.captured_at <= self._last_at:
            return None
        self._last_at = stamp.captured_at
        keep = (detections.class_ids == PERSON) & (detections.scores >= self._min_score)
        found = sv.Detections(
            xyxy=detections.boxes_xyxy[keep],
            confidence=detections.scores[keep],
            class_id=detections.class_ids[keep],
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            tracked = self._tracker.update(found, timestamp=stamp.captured_at.timestamp())
        ids = np.asarray(tracked.tracker_id if len(tracked) else (), dtype=np.int64)
        named = ids >= 0  # a track needs two frames to get its number
        return TrackedFrame(
            frame=stamp,
            boxes_xyxy=np.asarray(tracked.xyxy, dtype=np.float32).reshape(-1, 4)[named],
            scores=np.asarray(tracked.confidence, dtype=np.float32).reshape(-1)[named],
            class_ids=np.asarray(tracked.class_id, dtype=np.int64).reshape(-1)[named],
            track_ids=ids[named] + 1,
            sight=detections.sight,
        )

    def save(self) -> TrackerState:
        """State to go on from; the tracker keeps its numbers through a restart."""
        return pickle.dumps(self._tracker), self._last_at

    def restore(self, state: TrackerState) -> None:
        """Go on from a saved state."""
        saved, self._last_at = state
        if saved:  # empty: the camera had sent notices only
            self._tracker = pickle.loads(saved)


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
