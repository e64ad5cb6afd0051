"""MOTA, IDF1 and HOTA of trackers, by the definitions of TrackEval (as the trackers package has them)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from benchmarks.quality.footage import PERSON, Truth
from domain.detections import Detections

if TYPE_CHECKING:  # with trackers a second and a half, which few who import this module need
    import supervision as sv


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """People of one frame with the numbers that a tracker gave them."""

    boxes_xyxy: np.ndarray  # (n, 4)
    ids: np.ndarray  # (n,) int64


Follow = Callable[[Sequence[Detections]], list[Named]]


@dataclass(frozen=True, slots=True)
class Marks:
    """How well a tracker did on one sequence; percent, but for the counts."""

    mota: float
    idf1: float
    hota: float
    precision: float
    recall: float
    switches: int
    truth_boxes: int

    def __str__(self) -> str:
        return (
            f"MOTA {self.mota:5.1f}  IDF1 {self.idf1:5.1f}  HOTA {self.hota:5.1f}  "
            f"P {self.precision:5.1f}  R {self.recall:5.1f}  IDSW {self.switches}"
        )


def score(truth: Truth, named: Sequence[Named]) -> Marks:
    """Compare a tracker's numbers with the truth; a match is a box overlap (IoU) of half or more."""
    from trackers.eval import (
        compute_clear_metrics,
        compute_hota_metrics,
        compute_identity_metrics,
    )
    from trackers.eval.box import box_iou

    pairs = [truth.at(frame) for frame in range(len(named))]
    overlaps = [
        box_iou(np.asarray(boxes, float), np.asarray(given.boxes_xyxy, float))
        if len(boxes) and len(given.ids)
        else np.zeros((len(boxes), len(given.ids)))
        for (_, boxes), given in zip(pairs, named, strict=True)
    ]
    true_ids = _from_zero([ids for ids, _ in pairs])
    given_ids = _from_zero([given.ids for given in named])
    clear = compute_clear_metrics(true_ids, given_ids, overlaps)
    identity = compute_identity_metrics(true_ids, given_ids, overlaps)
    hota = compute_hota_metrics(true_ids, given_ids, overlaps)
    return Marks(
        mota=100 * float(clear["MOTA"]),
        idf1=100 * float(identity["IDF1"]),
        hota=100 * float(np.mean(hota["HOTA"])),
        precision=100 * float(clear["CLR_Pr"]),
        recall=100 * float(clear["CLR_Re"]),
        switches=int(clear["IDSW"]),
        truth_boxes=sum(len(ids) for ids, _ in pairs),
    )


def _from_zero(frames: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Renumber from 0 without holes, as the metrics want it."""
    frames = [np.asarray(ids, np.int64) for ids in frames]
    known = np.unique(np.concatenate(frames))
    return [np.searchsorted(known, ids) for ids in frames]


class LibraryTracker(Protocol):
    """What the trackers package's trackers share."""

    def update(
        self, detections: sv.Detections, *, timestamp: float | None = None
    ) -> sv.Detections: ...


def follow_with(make: Callable[[], LibraryTracker], min_score: float) -> Follow:
    """Run a tracker of the library over all people of at least that score."""
    import supervision as sv

    def follow(seen: Sequence[Detections]) -> list[Named]:
        tracker = make()
        named = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            for each in seen:
                keep = (each.class_ids == PERSON) & (each.scores >= min_score)
                tracked = tracker.update(
                    sv.Detections(xyxy=each.boxes_xyxy[keep], confidence=each.scores[keep]),
                    timestamp=each.frame.captured_at.timestamp(),
                )
                ids = np.asarray(tracked.tracker_id if len(tracked) else (), np.int64)
                boxes = np.asarray(tracked.xyxy, float).reshape(-1, 4)
                named.append(Named(boxes[ids >= 0], ids[ids >= 0]))
        return named

    return follow


def peers(fps: float) -> dict[str, Follow]:
    """Return ByteTrack and OC-SORT as the library gives them, and with thresholds lowered for our detector.

    The library's thresholds suit detectors that score people near 1; ours scores them .3-.9.
    """
    from trackers import ByteTrackTracker, OCSORTTracker

    return {
        "ByteTrack": follow_with(lambda: ByteTrackTracker(frame_rate=fps), 0.1),
        "OC-SORT": follow_with(lambda: OCSORTTracker(frame_rate=fps), 0.1),
        "ByteTrack, low thresholds": follow_with(
            lambda: ByteTrackTracker(
                frame_rate=fps, track_activation_threshold=0.35, high_conf_det_threshold=0.35
            ),
            0.1,
        ),
        "OC-SORT, low thresholds": follow_with(
            lambda: OCSORTTracker(frame_rate=fps, high_conf_det_threshold=0.35), 0.1
        ),
    }
