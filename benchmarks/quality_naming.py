"""Which marked person each of a tracker's numbers was on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from trackers.eval.box import box_iou

from benchmarks.quality_footage import Truth
from domain.tracks import TrackedFrame

MIN_IOU = 0.3  # of a box with a marked person, to say who it is
LEAST_MERGED_S = 1.0  # so long on each of two people, and a number counts as having merged them
LEAST_LEAD = 0.15  # of IoU, over the next person: less, and a box is around both of them
# who leaves the picture and comes again is marked under a new number there; the same to the eye
SAME_PERSON: dict[str, dict[int, int]] = {"pets_s2l1_a": {1: 19, 14: 15}}


@dataclass(frozen=True, slots=True)
class Naming:
    """Which marked person each number was on, frame by frame."""

    people: dict[int, list[tuple[float, int]]]  # number: (seconds, truth's id)
    clearly: dict[int, list[int]]  # number: truth's id, for each frame with no doubt which

    def who(self, number: int, from_s: float, to_s: float) -> int | None:
        """The person whom the number was on most; None: nobody marked."""
        seen = Counter(
            person for at_s, person in self.people.get(number, ()) if from_s <= at_s <= to_s
        )
        return seen.most_common(1)[0][0] if seen else None

    def numbers_of(self, person: int) -> set[int]:
        """The numbers that were on somebody, with no doubt that it was they."""
        return {number for number, seen in self.clearly.items() if person in seen}

    def merged_pairs(self, frame_s: float, same: Mapping[int, int]) -> set[tuple[int, int]]:
        """Pairs of people who shared a number for LEAST_MERGED_S each.

        Args:
            same: ids that are marked as one person, and as whom.
        """
        pairs: set[tuple[int, int]] = set()
        for seen in self.clearly.values():
            counts = Counter(same.get(person, person) for person in seen)
            long = sorted(p for p, n in counts.items() if n * frame_s >= LEAST_MERGED_S)
            pairs |= set(combinations(long, 2))
        return pairs


def name(truth: Truth, tracked: Sequence[TrackedFrame], frames: Sequence[int]) -> Naming:
    """Who is who, by the overlap of boxes."""
    from scipy.optimize import linear_sum_assignment

    people: dict[int, list[tuple[float, int]]] = {}
    clearly: dict[int, list[int]] = {}
    for each, frame in zip(tracked, frames, strict=True):
        ids, boxes = truth.at(frame)
        if not len(ids) or not len(each):
            continue
        iou = box_iou(boxes.astype(float), each.boxes_xyxy.astype(float))
        for row, column in zip(*linear_sum_assignment(-iou), strict=True):
            if iou[row, column] >= MIN_IOU:
                number = int(each.track_ids[column])
                at_s = each.frame.captured_at.timestamp()
                people.setdefault(number, []).append((at_s, int(ids[row])))
                others = np.delete(iou[:, column], row)
                if iou[row, column] - others.max(initial=0) >= LEAST_LEAD:
                    clearly.setdefault(number, []).append(int(ids[row]))
    return Naming(people, clearly)
