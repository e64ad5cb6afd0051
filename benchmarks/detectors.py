"""Compare a detector with the usual one on labelled clips, and put its scores on the common scale.

    python -m benchmarks.detectors NAME               recall, precision and AP of both, CPU of both
    python -m benchmarks.detectors NAME --calibrate   write models/…/calibration.json

The clips are named by FOREWARN_EVAL_DATA. The table is made on one clip, pets_s2l1_a, and reported on all:
a score of the new detector means what that score of the usual one means which lets as many wrong boxes
through. Both look at whole pictures, squeezed to their squares, at 5 frames a second at most.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.processes import own_cpu_s
from benchmarks.quality.footage import PERSON, EvalData
from benchmarks.quality.sights import sampled_frames
from domain.detections import Detections
from domain.frames import SampledFrame
from models.calibration import CALIBRATION
from models.direct import DirectInference
from models.registry import USUAL_DETECTOR, read_registry
from models.serving.client import Detector

CLIPS = ("pets_s2l1_a", "tud_campus", "counter_a", "counter_a_dark")
MADE_ON = CLIPS[0]
SAME_IOU = 0.5
EVERY = 2  # frame of a clip
BATCH = 32
ROUNDS, PICTURES = 5, 64
MIN_SCORES = (0.2, 0.3, 0.5)
# of the usual detector, for which the table has a row
TABLE_SCORES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Boxes of one clip, each right or wrong, and how many people there were."""

    scores: np.ndarray  # (n,)
    is_right: np.ndarray  # (n,) bool
    people: int
    pictures: int

    def recall(self, min_score: float) -> float:
        """Return the share of people that were found."""
        return float(self.is_right[self.scores >= min_score].sum() / max(1, self.people))

    def precision(self, min_score: float) -> float:
        """Return the share of boxes that are right."""
        shown = self.is_right[self.scores >= min_score]
        return float(shown.mean()) if len(shown) else 1.0

    def wrong(self) -> np.ndarray:
        """Return the scores of wrong boxes, strongest first."""
        return np.sort(self.scores[~self.is_right])[::-1]

    def average_precision(self) -> float:
        """Return the area below precision over recall."""
        order = np.argsort(-self.scores, kind="stable")
        right = np.cumsum(self.is_right[order])
        precision = right / np.arange(1, len(order) + 1)
        best = np.maximum.accumulate(precision[::-1])[::-1]
        recall = right / max(1, self.people)
        return float(np.sum(np.diff(np.concatenate([[0.0], recall])) * best))


def look(data: EvalData, clip: str, detector: Detector) -> list[tuple[int, Detections]]:
    """Ask about every second frame of a clip."""
    frames = [
        (number, frame)
        for number, frame in enumerate(sampled_frames(data, clip, side_px=detector.side_px))
        if number % EVERY == 0
    ]
    seen: list[tuple[int, Detections]] = []
    for at in range(0, len(frames), BATCH):
        some = frames[at : at + BATCH]
        answers = detector.detect([frame for _, frame in some])
        seen += [(number, answer) for (number, _), answer in zip(some, answers, strict=True)]
    return seen


def judge(data: EvalData, clip: str, seen: Sequence[tuple[int, Detections]]) -> Judged:
    """Hold people's boxes against the marked ones: best score first, each marked box once."""
    from trackers.eval.box import box_iou

    truth, scores, is_right, people = data.truth(clip), list[float](), list[bool](), 0
    for number, answer in seen:
        _, marked = truth.at(number)
        rows = np.flatnonzero(answer.class_ids == PERSON)
        people += len(marked)
        free = np.ones(len(marked), bool)
        same = (
            box_iou(answer.boxes_xyxy[rows].astype(float), marked.astype(float))
            if len(rows) and len(marked)
            else np.zeros((len(rows), len(marked)))
        )
        for place in np.argsort(-answer.scores[rows], kind="stable"):
            fit = np.where(free, same[place], 0.0)
            hit = bool(len(fit)) and fit.max() >= SAME_IOU
            if hit:
                free[fit.argmax()] = False
            scores.append(float(answer.scores[rows][place]))
            is_right.append(hit)
    return Judged(np.array(scores), np.array(is_right, bool), people, len(seen))


def table_of(usual: Judged, other: Judged) -> list[list[float]]:
    """Pair scores of another detector with those of the usual one that let as many wrong boxes through."""
    wrong_usual, wrong_other = usual.wrong(), other.wrong()
    table = [[0.0, 0.0]]
    for meant in TABLE_SCORES:
        let_through = int((wrong_usual >= meant).sum())
        if let_through >= len(wrong_other):
            continue  # it gives no more, whatever its score
        given = round(float(wrong_other[let_through]), 3)
        if given > table[-1][0]:
            table.append([given, meant])
    return [*table, [1.0, 1.0]]


def cpu_ms(detectors: Sequence[Detector], pictures: Sequence[Sequence[SampledFrame]]) -> np.ndarray:
    """Measure CPU a picture in one process, detectors by turns: (rounds, detectors) milliseconds."""
    took = np.zeros((ROUNDS, len(detectors)))
    for detector, shown in zip(detectors, pictures, strict=True):
        detector.detect(shown[:8])  # compiled before anything is timed
    for row in range(ROUNDS):
        for column in range(len(detectors)) if row % 2 else reversed(range(len(detectors))):
            began_s = own_cpu_s()
            detectors[column].detect(pictures[column])
            took[row, column] = 1e3 * (own_cpu_s() - began_s) / len(pictures[column])
    return took


def main(argv: list[str] | None = None) -> int:
    """Print the comparison, or write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detectors", description=__doc__)
    parser.add_argument("name", help="of the detector, as `forewarn models list` has it")
    parser.add_argument("--calibrate", action="store_true", help="write its table anew")
    parser.add_argument("--data", type=Path, help="folder of clips, gt and TIMELINE.json")
    asked = parser.parse_args(argv)
    data, inference = EvalData.find(asked.data), DirectInference()
    usual = Detector(inference)
    if asked.calibrate:
        _calibrate(data, asked.name, usual, inference)
    detectors = [usual, Detector(inference, asked.name)]
    print(
        f"people, IoU {SAME_IOU}, whole picture, every {EVERY}nd frame; recall/precision at {MIN_SCORES}"
    )
    for clip in CLIPS:
        for detector in detectors:
            judged = judge(data, clip, look(data, clip, detector))
            at = "  ".join(f"{judged.recall(s):.2f}/{judged.precision(s):.2f}" for s in MIN_SCORES)
            name = f"{detector.version} AP {judged.average_precision():.2f}"
            print(f"{clip:15} {name:45} {at}  of {judged.people} in {judged.pictures} pictures")
    shown = [
        list(islice(sampled_frames(data, MADE_ON, side_px=d.side_px), PICTURES)) for d in detectors
    ]
    took = cpu_ms(detectors, shown)
    ratios = took[:, 0] / took[:, 1]
    print(
        f"CPU a picture, {ROUNDS} rounds by turns, load {os.getloadavg()[0]:.1f}: "
        f"{np.median(took[:, 0]):.2f} ms and {np.median(took[:, 1]):.2f} ms; cheaper by "
        f"{np.median(ratios):.2f} ({ratios.min():.2f}-{ratios.max():.2f})"
    )
    return 0


def _calibrate(data: EvalData, name: str, usual: Detector, inference: DirectInference) -> None:
    path = read_registry().model(name).folder / CALIBRATION
    path.unlink(missing_ok=True)  # or its scores would be turned twice
    other = Detector(inference, name)
    judged = [judge(data, MADE_ON, look(data, MADE_ON, each)) for each in (usual, other)]
    told = {
        "made_by": f"python -m benchmarks.detectors {name} --calibrate",
        "made_on": f"{MADE_ON}, {judged[0].pictures} pictures, {judged[0].people} people",
        "meaning": f"its own score, and that of {USUAL_DETECTOR} which lets as many wrong boxes through",
        "day": time.strftime("%Y-%m-%d"),
        "scores": table_of(*judged),
    }
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
