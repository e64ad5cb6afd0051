"""Let one person leave and another come in the same uniform: nobody may be taken for the other.

Half of the pairs are made up (a yellow jacket, dark trousers), half are people of the clips, painted one
green with their shading kept: no footage of uniforms has a truth here. In every second scene two more
in the uniform stand there all the time. Every box knows whose it is by its score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import cv2
import numpy as np

from benchmarks.quality.alike import crops_of, pick
from benchmarks.quality.crowd import (
    FIRST_SCORE,
    HEIGHT_PX,
    SCORE_STEP,
    WIDTH_PX,
    made_stamp,
    people_of,
)
from benchmarks.quality.figures import quality_result
from benchmarks.quality.footage import EvalData
from benchmarks.quality.likenesses import Likenesses
from benchmarks.quality.naming import same_person
from benchmarks.quality.runs import follow
from benchmarks.quality.zones import CAMERA, WIDE, site_of
from benchmarks.results import Result
from domain.detections import Detections
from domain.events.catalog import OffenceOpened
from domain.frames import SampledFrame
from domain.rule_key import RuleKey
from domain.tracks import TrackedFrame
from flows.escalation.watched_rule import watch_of
from flows.sources.sampler import DETECTOR_SIDE_PX
from flows.tracking.colours import with_appearances

PAIRS = 100  # of each kind
FPS, THRESHOLD_S = 5.0, 5.0
STANDS_S, WALKS_S = 8.0, 2.0
GAPS_S = (20.0, 120.0)
TALL_PX = 140.0
POSE_S = 0.6  # so long one crop is shown
CLIPS = ("pets_s2l1_a", "tud_campus", "counter_a")  # the others show people of these again
JACKET, TROUSERS = (230, 200, 30), (40, 40, 50)
GREEN = np.array([50, 120, 60], np.float32)
BODY = ((0.15, 0.95), (0.15, 0.85))  # of the box's height and width
BACKGROUND = 110

Crops = Sequence[np.ndarray]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """Somebody who walks in from one side, stands, and walks out to the other."""

    person: int
    crops: Crops  # shown in turns
    x: float
    foot_y: float
    from_s: float
    to_s: float
    comes_from_left: bool = True

    def box_at(self, at_s: float) -> tuple[float, float, float, float] | None:
        """Return where they are; None: not in the picture, or with less than half of their box."""
        crop = self.crop_at(at_s)
        half = TALL_PX * crop.shape[1] / crop.shape[0] / 2
        left, right = (0.0, float(WIDTH_PX)) if self.comes_from_left else (float(WIDTH_PX), 0.0)
        if self.from_s <= at_s <= self.to_s:
            x = self.x
        elif self.from_s - WALKS_S <= at_s < self.from_s:
            x = left + (self.x - left) * (at_s - self.from_s + WALKS_S) / WALKS_S
        elif self.to_s < at_s <= self.to_s + WALKS_S:
            x = self.x + (right - self.x) * (at_s - self.to_s) / WALKS_S
        else:
            return None
        if not 0 <= x <= WIDTH_PX:
            return None
        top = self.foot_y - TALL_PX
        return max(x - half, 0.0), top, min(x + half, float(WIDTH_PX)), self.foot_y

    def crop_at(self, at_s: float) -> np.ndarray:
        """Return what is seen of them."""
        return self.crops[int(at_s / POSE_S) % len(self.crops)]


@dataclass(frozen=True, slots=True)
class PairMarks:
    """What became of the second who came."""

    is_repeat: bool  # their offence counts as a repeat
    is_linked: bool  # they got the number of the first


def measure(data: EvalData, tell: Tell) -> list[Result]:
    """Count wrong repeats; and, so that silence is no virtue, who is known in clothes of their own."""
    people = {clip: _people_of(data, clip) for clip in CLIPS}
    rng = np.random.default_rng(0)
    counts = {}
    for words, pairs in (("made up", _made_up(rng)), ("of the clips", _painted(people, rng))):
        marks = [judge(one, other, others, rng) for one, other, others in pairs]
        counts[words] = marks
        tell(f"  {words}: {_told(marks)} of {len(marks)} pairs")
    returners = [
        judge(crops[::2], crops[1::2], (), rng)
        for crops in (each for clip in people.values() for each in clip.values())
        if len(crops) > 1
    ]
    tell(f"  the same person again, own clothes: {_told(returners)} of {len(returners)}")
    every = [each for marks in counts.values() for each in marks]
    also = {f"{words}: repeats": float(_repeats(marks)) for words, marks in counts.items()}
    also |= {f"{w}: linked": float(sum(m.is_linked for m in ms)) for w, ms in counts.items()}
    also |= {
        "same person, own clothes: repeats": float(_repeats(returners)),
        "same person, own clothes": float(len(returners)),
    }
    return [
        quality_result(
            "wrong_repeats_in_uniforms", _repeats(every), f"of {len(every)} pairs", 2, 0, also=also
        )
    ]


def judge(one: Crops, other: Crops, others: Sequence[Crops], rng: np.random.Generator) -> PairMarks:
    """Let the one come and go, then the other; anybody else stands there all the time."""
    gap_s = rng.uniform(*GAPS_S)
    back_s = WALKS_S + STANDS_S + gap_s
    places = rng.permutation([150.0, 310.0, 470.0, 630.0])
    sides = rng.random(2) < 0.5
    is_near = rng.random() < 0.5
    end_s = back_s + STANDS_S + WALKS_S
    actors = [
        Actor(1, one, places[0], 400.0, WALKS_S, WALKS_S + STANDS_S, bool(sides[0])),
        Actor(
            2, other, places[0 if is_near else 1], 400.0, back_s, back_s + STANDS_S, bool(sides[1])
        ),
        *(
            Actor(3 + row, crops, places[2 + row], 330.0, -WALKS_S, end_s + WALKS_S)
            for row, crops in enumerate(others)
        ),
    ]
    return _marks_of(follow(list(_frames(actors, end_s, rng)), FPS, THRESHOLD_S))


def _marks_of(tracked: Sequence[TrackedFrame]) -> PairMarks:
    """Look for the second person's offence, and whether the first had their number."""
    watch = watch_of(site_of((WIDE,), THRESHOLD_S), RuleKey(CAMERA, "stay"))
    is_repeat, numbers = False, dict[int, set[int]]()
    for each in tracked:
        people = people_of(each.scores)
        for number, person in zip(each.track_ids.tolist(), people.tolist(), strict=True):
            numbers.setdefault(person, set()).add(number)
        for event in watch.step(each):
            said = event.data
            if isinstance(said, OffenceOpened) and said.earlier_offences:
                at = round((said.sighting.score - FIRST_SCORE) / SCORE_STEP)
                is_repeat |= at == 2
    return PairMarks(is_repeat, bool(numbers.get(1, set()) & numbers.get(2, set())))


def _frames(
    actors: Sequence[Actor], end_s: float, rng: np.random.Generator
) -> Iterator[Detections]:
    """Draw the picture that the detector would look at, and describe who is in it."""
    side, likenesses = DETECTOR_SIDE_PX, Likenesses()
    empty = BACKGROUND + rng.integers(0, 20, (side, side, 3)).astype(np.uint8)
    scale = np.array([side / WIDTH_PX, side / HEIGHT_PX] * 2)
    for number in range(int(end_s * FPS)):
        at_s = number / FPS
        there = [(each, box) for each in actors if (box := each.box_at(at_s)) is not None]
        picture = empty.copy() if there else empty
        for actor, box in there:
            left, top, right, bottom = np.round(np.array(box) * scale).astype(int).tolist()
            if right > left:
                size = (right - left, bottom - top)
                drawn = cv2.resize(actor.crop_at(at_s), size, interpolation=cv2.INTER_AREA)
                picture[top:bottom, left:right] = drawn
        stamp = made_stamp(at_s, number)
        tags = np.array([each.person for each, _ in there])
        boxes = np.array([box for _, box in there], np.float32).reshape(-1, 4)
        seen = Detections(
            frame=stamp,
            boxes_xyxy=boxes + rng.normal(0, 1.0, boxes.shape).astype(np.float32),
            scores=(FIRST_SCORE + SCORE_STEP * tags).astype(np.float32).reshape(-1),
            class_ids=np.ones(len(there), np.int64),
        )
        frame = SampledFrame(stamp, picture)
        yield likenesses.added_to(frame, with_appearances(seen, frame))


def _made_up(rng: np.random.Generator) -> Iterator[tuple[Crops, Crops, list[Crops]]]:
    for number in range(PAIRS):
        others = [_dummy(rng), _dummy(rng)] if number % 2 else []
        yield _dummy(rng), _dummy(rng), others


def _dummy(rng: np.random.Generator) -> Crops:
    """Draw somebody in the jacket: head, jacket, trousers; their own skin, light and width."""
    skin, light = rng.uniform((90, 60, 40), (230, 190, 170)), rng.uniform(0.92, 1.08)
    tall, wide = 120, int(rng.integers(36, 50))
    crops = []
    for _ in range(6):
        crop = np.empty((tall, wide, 3), np.float32)
        crop[:18], crop[18:60], crop[60:] = skin, JACKET, TROUSERS
        noisy = crop * light + rng.normal(0, 12, crop.shape)
        crops.append(np.clip(noisy, 0, 255).astype(np.uint8))
    return crops


def _painted(
    people: dict[str, dict[int, list[np.ndarray]]], rng: np.random.Generator
) -> Iterator[tuple[Crops, Crops, list[Crops]]]:
    pairs = [
        (clip, one, other) for clip, them in people.items() for one, other in permutations(them, 2)
    ]
    for number, row in enumerate(rng.choice(len(pairs), PAIRS, replace=False)):
        clip, one, other = pairs[int(row)]
        painted = {
            person: [in_uniform(crop) for crop in crops] for person, crops in people[clip].items()
        }
        rest: list[Crops] = [
            crops for person, crops in painted.items() if person not in (one, other)
        ]
        yield painted[one], painted[other], rest[:2] if number % 2 else []


def in_uniform(crop: np.ndarray) -> np.ndarray:
    """Paint upper body and legs green, as light and dark as they were beside their own mean."""
    painted = crop.copy()
    height, width = crop.shape[:2]
    rows = slice(int(BODY[0][0] * height), int(np.ceil(BODY[0][1] * height)))
    columns = slice(int(BODY[1][0] * width), int(np.ceil(BODY[1][1] * width)))
    light = crop[rows, columns].mean(axis=2, keepdims=True)
    shading = light / max(float(light.mean()), 1.0)
    painted[rows, columns] = np.clip(GREEN * shading, 0, 255).astype(np.uint8)
    return painted


def _people_of(data: EvalData, clip: str) -> dict[int, list[np.ndarray]]:
    picked = pick(data, clip)
    crops = crops_of(data, clip, picked)
    people: dict[int, list[np.ndarray]] = {}
    same = same_person(clip)
    for (_, person, _), crop in zip(picked, crops, strict=True):
        people.setdefault(same.get(person, person), []).append(crop)
    return people


def _repeats(marks: Sequence[PairMarks]) -> int:
    return sum(each.is_repeat for each in marks)


def _told(marks: Sequence[PairMarks]) -> str:
    return f"{_repeats(marks)} repeats, {sum(each.is_linked for each in marks)} linked"
