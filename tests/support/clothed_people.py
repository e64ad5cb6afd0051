"""People in clothes who walk before a camera, as the detector and the colours would describe them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from people import stamp
from plain_frames import detections

from domain.detections import Detections
from domain.frames import SampledFrame
from domain.tracks import SubjectLink, TrackedFrame
from flows.tracking.colours import SIZE, with_appearances
from flows.tracking.track import CameraTracker

Box = tuple[float, float, float, float]
Colour = tuple[int, int, int]
Path = Callable[[float], Box | None]  # where somebody is at a time; None: not to be seen
WIDTH_PX, HEIGHT_PX = 768, 576  # of the frames
FPS = 5.0


@dataclass(frozen=True, eq=False)
class Walker:
    """Somebody on a path, with what some views of them look like."""

    path: Path
    views: np.ndarray  # (k, 256) float16; shown by turns


def views_of(
    top: Colour, legs: Colour, seed: int, *, light: float = 1.0, count: int = 6
) -> np.ndarray:
    """Draw somebody in these colours a few times, with noise, and describe each drawing; (count, 256)."""
    rng = np.random.default_rng(seed)
    box = (350.0, 230.0, 400.0, 350.0)
    columns, rows = (
        slice(136, 157),
        slice(119, 183),
    )  # of the little picture, and a bit more than the box
    middle = (rows.stop - rows.start) // 2
    shape = (rows.stop - rows.start, columns.stop - columns.start, 3)
    clothes = np.where(np.arange(shape[0])[:, None, None] < middle, np.array(top), np.array(legs))
    picture = np.zeros((300, 300, 3), np.uint8)
    described = []
    for _ in range(count):
        # what the sensor adds is not darker at night
        seen = (clothes + rng.normal(0, 12, shape)) * light + rng.normal(0, 3, shape)
        picture[rows, columns] = np.clip(seen, 0, 255)
        worn = with_appearances(detections(0, [box]), SampledFrame(stamp(0), picture)).appearances
        assert worn is not None
        described.append(worn[0])
    return np.array(described, np.float16)


def walk_through(begin_s: float, end_s: float, x: float, y: float = 240.0) -> Path:
    """Walk in from the left at 120 px a second, stand at x, walk out to the right."""

    def path(at_s: float) -> Box | None:
        if not begin_s <= at_s <= end_s:
            return None
        middle = min(-20 + 120 * (at_s - begin_s), x)
        middle = max(middle, WIDTH_PX + 20 - 120 * (end_s - at_s))
        return within_frame((middle - 20, y, middle + 20, y + 120))

    return path


def within_frame(box: Box, parts: Sequence[Box] = ((0, 0, WIDTH_PX, HEIGHT_PX),)) -> Box | None:
    """Cut a box where what is looked at ends; None: less than 8 pixels of it are left."""
    cuts = [
        (max(box[0], x1), max(box[1], y1), min(box[2], x2), min(box[3], y2))
        for x1, y1, x2, y2 in parts
    ]
    best = max(cuts, key=lambda cut: max(cut[2] - cut[0], 0) * max(cut[3] - cut[1], 0))
    return best if best[2] - best[0] >= 8 and best[3] - best[1] >= 8 else None


def show(walkers: Sequence[Walker], at_s: float, turn: int = 0) -> Detections:
    """Return what is detected at a time; `turn` chooses which view of everybody is shown."""
    there = [(each, box) for each in walkers if (box := each.path(at_s)) is not None]
    worn = [each.views[turn % len(each.views)] for each, _ in there]
    seen = detections(at_s, [box for _, box in there])
    return replace(seen, appearances=np.array(worn, np.float16).reshape(-1, SIZE))


def follow(
    walkers: Sequence[Walker],
    until_s: float,
    tracker: CameraTracker | None = None,
    *,
    from_s: float = 0.0,
    fps: float = FPS,
    parts: Sequence[Box] = (),
) -> list[TrackedFrame]:
    """Let a tracker follow them; `parts`: what of the picture is looked at, if not all."""
    tracker = tracker or CameraTracker(fps, 0.3)
    told = []
    for turn in range(round(from_s * fps), round(until_s * fps)):
        seen = show(walkers, turn / fps, turn)
        if parts:
            seen = replace(seen, looked_at_xyxy=np.array(parts, np.float32))
        tracked = tracker.update(seen)
        assert tracked is not None
        told.append(tracked)
    return told


def numbers_of(walkers: Sequence[Walker], told: Sequence[TrackedFrame]) -> list[set[int]]:
    """Return which numbers each of them had, by whose box is nearest."""
    numbers: list[set[int]] = [set() for _ in walkers]
    for each in told:
        at_s = each.frame.media_time_s
        there = {
            row: np.array(box)
            for row, walker in enumerate(walkers)
            if (box := walker.path(at_s)) is not None
        }
        for box, number in zip(each.boxes_xyxy, each.track_ids.tolist(), strict=True):
            nearest = min(there, key=lambda row: float(np.abs(there[row] - box).sum()))
            numbers[nearest].add(number)
    return numbers


def links_of(told: Sequence[TrackedFrame]) -> list[SubjectLink]:
    """Return who was recognised."""
    return [link for each in told for link in each.links]
