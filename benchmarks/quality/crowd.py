"""A made crossing of 30 people: no footage of so many has a truth here, so this one is made up.

They walk to and fro; who is half behind somebody nearer has no box, and of the others 15 % are missed. Every box knows whose it is by its score, which the tracker hands on as it came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

import numpy as np

from benchmarks.quality.figures import quality_result
from benchmarks.quality.footage import STARTS_AT, Truth
from benchmarks.quality.naming import LEAST_MERGED_S
from benchmarks.quality.runs import follow
from benchmarks.quality.tracking import Named, score
from benchmarks.results import Result
from domain.detections import Detections
from domain.frames import FrameStamp

PEOPLE, LASTS_S, MISSED = 30, 60.0, 0.15
WIDTH_PX, HEIGHT_PX = 768, 576
BOX_PX = np.array([-12.0, -30.0, 12.0, 30.0])
JITTER_PX, HIDDEN_SHARE = 1.5, 0.5
FASTEST_PX_S = np.array([45.0, 20.0])  # a person is 60 px high: 1.3 m/s
# shares of somebody's colours: their own beside the scene's, and what differs from frame to frame. The
# same person is then .85 alike and two people .47, about as the clips' (.77 and .49, seconds apart)
OWN_CLOTHES, UNIFORM, LOOKS_NOISE = 0.6, 0.0, 0.2
SIZE = 256
FEW_COLOURS = np.full(SIZE, 0.03)  # of Dirichlet's distribution: most counts are near 0
# no worse than at 678f708
BEFORE_MIXED, BEFORE_IDF1 = 21, 80.8
FIRST_SCORE, SCORE_STEP = 0.8, 0.001

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CrowdMarks:
    """How well the numbers fit the people."""

    numbers: int
    mixed: int  # on more than one person for a second each
    idf1: float


def measure(tell: Tell) -> list[Result]:
    """Let everybody walk in clothes of their own, and in one uniform."""
    told = {}
    for words, own in (("own clothes", OWN_CLOTHES), ("one uniform", UNIFORM)):
        for fps in (5.0, 2.5):
            marks = judge(fps, own)
            told[f"{words}, {fps:g} fps"] = marks
            tell(f"  {words}, {fps:g} fps: {marks}")
    mixed = {words: float(marks.mixed) for words, marks in told.items()}
    idf1 = {words: round(marks.idf1, 1) for words, marks in told.items()}
    numbers = sum(marks.numbers for marks in told.values())
    worst = min(marks.idf1 for marks in told.values())
    return [
        quality_result(
            "crowd_mixed_numbers",
            sum(mixed.values()),
            f"of {numbers} in 4 runs, made up",
            BEFORE_MIXED,
            0,
            also=mixed,
        ),
        quality_result(
            "crowd_idf1", worst, "points, worst of 4 runs", BEFORE_IDF1, 90, "higher", idf1
        ),
    ]


def judge(fps: float, own: float) -> CrowdMarks:
    """Follow the crowd; `own` is how much of somebody's looks is their own."""
    seen, truth = [], []
    for detections, boxes in crowd(fps, own):
        seen.append(detections)
        truth.append(boxes)
    tracked = follow(seen, fps)
    people = [people_of(each.scores) for each in tracked]
    on: dict[int, Counter[int]] = {}
    for each, who in zip(tracked, people, strict=True):
        for number, person in zip(each.track_ids.tolist(), who.tolist(), strict=True):
            on.setdefault(number, Counter())[person] += 1
    mixed = sum(
        sum(count / fps >= LEAST_MERGED_S for count in seen_on.values()) > 1
        for seen_on in on.values()
    )
    marked = Truth(
        np.repeat(np.arange(len(truth)), PEOPLE),
        np.tile(np.arange(PEOPLE), len(truth)),
        np.concatenate(truth),
    )
    marks = score(marked, [Named(each.boxes_xyxy, each.track_ids) for each in tracked])
    return CrowdMarks(len(on), mixed, marks.idf1)


def crowd(fps: float, own: float) -> Iterator[tuple[Detections, np.ndarray]]:
    """Yield each frame's detections, and where all 30 are, (30, 4)."""
    rng = np.random.default_rng(0)
    looks = own * rng.dirichlet(FEW_COLOURS, PEOPLE) + (1 - own) * rng.dirichlet(FEW_COLOURS)
    start = rng.uniform((50, 80), (WIDTH_PX - 70, HEIGHT_PX - 80), (PEOPLE, 2))
    speed = rng.uniform(-FASTEST_PX_S, FASTEST_PX_S, (PEOPLE, 2))
    for number in range(int(LASTS_S * fps)):
        at_s = number / fps
        middles = _turned_back(start + speed * at_s)
        boxes = np.concatenate([middles, middles], axis=1) + BOX_PX
        hit = np.flatnonzero((rng.random(PEOPLE) >= MISSED) & ~_is_hidden(boxes))
        given = boxes[hit] + np.tile(rng.normal(0, JITTER_PX, (len(hit), 2)), 2)
        noise = rng.dirichlet(FEW_COLOURS, len(hit))
        noisy = np.sqrt((1 - LOOKS_NOISE) * looks[hit] + LOOKS_NOISE * noise)
        detections = Detections(
            frame=made_stamp(at_s, number),
            boxes_xyxy=given.astype(np.float32),
            scores=(FIRST_SCORE + SCORE_STEP * hit).astype(np.float32),
            class_ids=np.ones(len(hit), np.int64),
            appearances=noisy.astype(np.float16),
        )
        yield detections, boxes


def made_stamp(at_s: float, number: int) -> FrameStamp:
    """Stamp a frame that was made up."""
    at = STARTS_AT + timedelta(seconds=at_s)
    return FrameStamp("camera", number, Fraction(1, 1000), at_s, at, WIDTH_PX, HEIGHT_PX)


def people_of(scores: np.ndarray) -> np.ndarray:
    """Return whose boxes they are, by their scores."""
    return np.asarray(np.round((scores - FIRST_SCORE) / SCORE_STEP), np.int64)


def _is_hidden(boxes_xyxy: np.ndarray) -> np.ndarray:
    """Tell who is half behind somebody whose feet are nearer to the camera, (n,) bool."""
    one, other = boxes_xyxy[:, None], boxes_xyxy[None]
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    shared = np.maximum(sides, 0).prod(axis=2) / (BOX_PX[2:] - BOX_PX[:2]).prod()
    is_nearer = other[..., 3] > one[..., 3]
    return np.asarray((is_nearer & (shared >= HIDDEN_SHARE)).any(axis=1))


def _turned_back(places: np.ndarray) -> np.ndarray:
    """Let who comes to an edge turn back there."""
    margin, size = np.array([14.0, 32.0]), np.array([WIDTH_PX, HEIGHT_PX])
    room = size - 2 * margin
    there = np.mod(places - margin, 2 * room)
    return np.asarray(margin + np.minimum(there, 2 * room - there))
