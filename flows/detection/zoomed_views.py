"""Show the detector parts of a picture instead of the whole, and join what it saw in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from domain.detections import Detections
from domain.frames import FrameStamp, SampledFrame
from flows.tracking.colours import with_appearances
from flows.tracking.matching import drop_duplicates

CUT_PX = 4.0  # a box that ends nearer to a view's border is cut by it
SAME_IOU = 0.6  # two views' boxes that overlap more show the same thing, as the detector has it


def detect_closely(
    detect: Callable[[Sequence[SampledFrame]], list[Detections]], frames: Sequence[SampledFrame]
) -> list[Detections]:
    """Detect in each frame's views, with the colours that people wear; see Detector.detect.

    Cameras without views are asked about as they are: one picture a frame.
    """
    pictures = [picture for frame in frames for picture in pictures_of(frame)]
    answers = detect(pictures)
    seen = iter(
        with_appearances(answer, picture) for answer, picture in zip(answers, pictures, strict=True)
    )
    return [_join(frame, seen) if frame.close_looks else next(seen) for frame in frames]


def pictures_of(frame: SampledFrame) -> Iterator[SampledFrame]:
    """Return what the detector is shown of one frame: each view, or the whole picture."""
    if not frame.close_looks:
        yield frame
    for look in frame.close_looks:
        stamp = replace(frame.stamp, width_px=look.width_px, height_px=look.height_px)
        yield SampledFrame(stamp, look.image_rgb)


def _join(frame: SampledFrame, seen: Iterator[Detections]) -> Detections:
    """Join one frame's views, in pixels of the whole frame, best score first."""
    views = np.array(
        [
            (look.left_px, look.top_px, look.left_px + look.width_px, look.top_px + look.height_px)
            for look in frame.close_looks
        ],
        np.float32,
    )
    whole = np.array([0, 0, frame.stamp.width_px, frame.stamp.height_px], np.float32)
    parts = []
    for row, view in enumerate(views):
        part = next(seen)
        boxes = part.boxes_xyxy + np.tile(view[:2], 2)
        others = np.delete(views, row, axis=0)
        parts.append((part, boxes, ~_is_seen_better(boxes, view, whole, others)))
    boxes = np.concatenate([boxes[kept] for _, boxes, kept in parts])
    scores = np.concatenate([part.scores[kept] for part, _, kept in parts])
    classes = np.concatenate([part.class_ids[kept] for part, _, kept in parts])
    looks = [part.appearances[kept] for part, _, kept in parts if part.appearances is not None]
    best = drop_duplicates(boxes, scores, classes, SAME_IOU)
    return Detections(
        frame=_as_seen_by(frame.stamp, parts[0][0].frame.seen_by),
        boxes_xyxy=boxes[best],
        scores=scores[best],
        class_ids=classes[best],
        appearances=np.concatenate(looks)[best] if len(looks) == len(parts) else None,
        looked_at_xyxy=views,
    )


def _as_seen_by(stamp: FrameStamp, version: str) -> FrameStamp:
    return replace(stamp, seen_by=version) if version else stamp


def _is_seen_better(
    boxes: np.ndarray, view: np.ndarray, whole: np.ndarray, others: np.ndarray
) -> np.ndarray:
    """Return (n,) bool: cut by the view's border inside the picture, where another view looks on."""
    at_border = np.abs(boxes - view) <= CUT_PX
    at_border &= np.abs(view - whole) > CUT_PX
    beyond = boxes + np.where(at_border, np.array([-1, -1, 1, 1]) * 2 * CUT_PX, 0)
    # of the shape that it has where nobody was seen or no other view looks on, too
    holds = np.zeros((len(others), len(boxes)), bool)
    for row, other in enumerate(others):
        inside = (beyond[:, :2] >= other[:2]) & (beyond[:, 2:] <= other[2:])
        holds[row] = inside.all(axis=1)
    return np.asarray(at_border.any(axis=1) & holds.any(axis=0))
