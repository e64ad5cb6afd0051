"""Decide which marked person each of a tracker's numbers was on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from benchmarks.quality.footage import DARK, STARTS_AT, TRUTH_OF, Truth
from domain.tracks import TrackedFrame

MIN_IOU = 0.3  # of a box with a marked person, to say who it is
LEAST_MERGED_S = 1.0  # so long on each of two people, and a number counts as having merged them
LEAST_LEAD = 0.15  # of IoU, over the next person: less, and a box is around both of them
# who leaves the picture and comes again is marked under a new number there; the same to the eye
SAME_PERSON: dict[str, dict[int, int]] = {"pets_s2l1_a": {1: 19, 14: 15}}
# of a link: who the number was on so long before and after it
LINK_MOMENT_S = 1.0


@dataclass(frozen=True, slots=True)
class Return:
    """Somebody who went away and came back."""

    clip: str
    before: int  # as the truth numbers them
    after: int
    after_s: float  # of the clip: by then the first visit is over, and the second has not begun


RETURNS = (
    Return("pets_s2l1_a", 19, 1, 22.0),
    Return("pets_s2l1_a", 15, 14, 22.0),
    Return("repeat_visit_a", 1, 1, 40.0),
)


def same_person(clip: str) -> dict[int, int]:
    """Return as whom somebody is counted who is marked under several numbers."""
    shown = clip.removesuffix(DARK)
    return SAME_PERSON.get(TRUTH_OF.get(shown, shown), {})


@dataclass(frozen=True, slots=True)
class Naming:
    """Which marked person each number was on, frame by frame."""

    people: dict[int, list[tuple[float, int]]]  # number: (seconds, truth's id)
    clearly: dict[int, list[int]]  # number: truth's id, for each frame with no doubt which

    def who(self, number: int, from_s: float, to_s: float) -> int | None:
        """Return the person whom the number was on most; None: nobody marked."""
        seen = Counter(
            person for at_s, person in self.people.get(number, ()) if from_s <= at_s <= to_s
        )
        return seen.most_common(1)[0][0] if seen else None

    def is_recognised(self, one: Return) -> bool:
        """Tell whether a number that was on somebody in their first visit is so in the second."""
        moment_s = STARTS_AT.timestamp() + one.after_s
        return any(
            any(who == one.before and at_s < moment_s for at_s, who in seen)
            and any(who == one.after and at_s >= moment_s for at_s, who in seen)
            for seen in self.people.values()
        )

    def wrong_links(
        self, tracked: Sequence[TrackedFrame], same: Mapping[int, int]
    ) -> set[tuple[int, int]]:
        """Return pairs of people of whom the second was taken for the first.

        Args:
            tracked: the frames, with the links that were told in them.
            same: ids that are marked as one person, and as whom.
        """
        pairs: set[tuple[int, int]] = set()
        for each in tracked:
            at_s = each.frame.captured_at.timestamp()
            for link in each.links:
                seen = [s for s, _ in self.people.get(link.track_id, ()) if s < at_s]
                if not seen:
                    continue
                was = self.who(link.track_id, seen[-1] - LINK_MOMENT_S, seen[-1])
                now = self.who(link.track_id, at_s, at_s + LINK_MOMENT_S)
                if was is not None and now is not None:
                    pair = same.get(was, was), same.get(now, now)
                    if pair[0] != pair[1]:
                        pairs.add((min(pair), max(pair)))
        return pairs

    def merged_pairs(self, frame_s: float, same: Mapping[int, int]) -> set[tuple[int, int]]:
        """Return pairs of people who shared a number for LEAST_MERGED_S each.

        Args:
            frame_s: seconds that a frame stands for.
            same: ids that are marked as one person, and as whom.
        """
        pairs: set[tuple[int, int]] = set()
        for seen in self.clearly.values():
            counts = Counter(same.get(person, person) for person in seen)
            long = sorted(p for p, n in counts.items() if n * frame_s >= LEAST_MERGED_S)
            pairs |= set(combinations(long, 2))
        return pairs


def name(truth: Truth, tracked: Sequence[TrackedFrame], frames: Sequence[int]) -> Naming:
    """Name who is who, by the overlap of boxes."""
    from scipy.optimize import linear_sum_assignment
    from trackers.eval.box import box_iou

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
