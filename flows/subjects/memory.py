"""Who is who before one camera: boxes of a frame in, numbers out that stay with the person.

One layer does what trackers and re-identification usually share: boxes are given to subjects by
place and colours together, and a subject who was lost may get a new box's person back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from domain.detections import Detections
from domain.tracks import SubjectLink
from flows.subjects.clear_views import CLEAR_MAX_IOU, is_alone, is_whole, looked_at
from flows.subjects.matching import (
    assign,
    drop_duplicates,
    foreseen_boxes,
    match_costs,
    overlaps,
    similarities,
    widened_overlaps,
)
from flows.subjects.relink import find_earlier
from flows.subjects.settings import SubjectSettings
from flows.subjects.subject import Subject, kind_of


@dataclass(slots=True)
class SubjectState:
    """What a restart needs; under 2 KB for each subject."""

    next_number: int = 1
    here: list[Subject] = field(default_factory=list)  # seen a moment ago, unnamed ones included
    gone: list[Subject] = field(default_factory=list)  # named, unseen for longer; oldest first


class SubjectMemory:
    """Numbers for the subjects of one camera; `update` takes its frames in order."""

    def __init__(self, settings: SubjectSettings, state: SubjectState | None = None) -> None:
        self._settings = settings
        self.state = state or SubjectState()

    def update(self, seen: Detections) -> tuple[dict[int, Subject], list[SubjectLink]]:
        """Give this frame's boxes to subjects.

        Args:
            seen: boxes of all classes that count.
        Returns:
            The named subjects that were seen, by row of `seen`, and who was recognised.
        """
        at_s = seen.frame.captured_at.timestamp()
        self._forget(at_s)
        kinds = np.array([kind_of(int(each)) for each in seen.class_ids], np.int64)
        rows = self._usable(seen, kinds)
        found = self._match(seen, kinds, rows, at_s)
        for row, subject in found.items():
            box, score = seen.boxes_xyxy[row], float(seen.scores[row])
            subject.see(at_s, box, score, int(seen.class_ids[row]), self._settings)
        for row in rows:
            if row not in found and seen.scores[row] >= self._settings.strong_score:
                found[int(row)] = self._begin(seen, int(row), at_s)
        self._look(seen, rows, found)
        links = self._name(at_s, found)
        return {row: found[row] for row in sorted(found) if found[row].number}, links

    def _usable(self, seen: Detections, kinds: np.ndarray) -> np.ndarray:
        rows = np.flatnonzero(seen.scores >= self._settings.weak_score)
        boxes, scores = seen.boxes_xyxy[rows], seen.scores[rows]
        kept = drop_duplicates(boxes, scores, kinds[rows], self._settings.duplicate_iou)
        return np.asarray(rows[kept])

    def _match(
        self, seen: Detections, kinds: np.ndarray, rows: np.ndarray, at_s: float
    ) -> dict[int, Subject]:
        """Strong boxes to the named, then weak ones to those left, then what is left by place."""
        is_strong = seen.scores[rows] >= self._settings.strong_score
        strong, weak = rows[is_strong], rows[~is_strong]
        named = [
            each for each in self.state.here if each.number and not self._has_left(each, seen, at_s)
        ]
        found = self._match_by_all(named, seen, kinds, strong, at_s)
        taken = {id(each) for each in found.values()}
        unseen = [each for each in named if id(each) not in taken]
        found |= self._match_by_place(
            unseen, seen, kinds, weak, at_s, self._settings.weak_similarity
        )
        left = np.array([row for row in strong if row not in found], np.int64)
        taken |= {id(each) for each in found.values()}
        just_seen = [
            each
            for each in named
            if id(each) not in taken and at_s - each.last_s <= self._settings.recolour_gap_s
        ]
        if just_seen and len(left):
            # a lamp went on, or the camera changed its exposure: same place, other colours; in a
            # group that would be a neighbour, also where one box is around them all
            boxes, others = seen.boxes_xyxy[left], foreseen_boxes(named, at_s, self._settings)[0]
            alone = is_alone(boxes, seen.boxes_xyxy[rows]) & is_alone(boxes, others)
            found |= self._match_by_place(just_seen, seen, kinds, left[alone], at_s)
        left = np.array([row for row in strong if row not in found], np.int64)
        unnamed = [each for each in self.state.here if not each.number]
        return found | self._match_by_all(unnamed, seen, kinds, left, at_s)

    def _has_left(self, subject: Subject, seen: Detections, at_s: float) -> bool:
        """Whether somebody was on the way out: who comes in there is somebody else, until colours
        say otherwise."""
        if at_s - subject.last_s <= self._settings.recolour_gap_s:
            return False
        x, y, _ = subject.foresee(at_s, self._settings)
        return not any(
            left <= x <= right and top <= y <= bottom
            for left, top, right, bottom in looked_at(seen).tolist()
        )

    def _match_by_all(
        self,
        subjects: Sequence[Subject],
        seen: Detections,
        kinds: np.ndarray,
        rows: np.ndarray,
        at_s: float,
    ) -> dict[int, Subject]:
        if not subjects or not len(rows):
            return {}
        looks = None if seen.appearances is None else seen.appearances[rows]
        boxes = seen.boxes_xyxy[rows].astype(np.float64)
        costs = match_costs(subjects, boxes, kinds[rows], looks, at_s, self._settings)
        pairs = assign(costs, self._settings.max_cost)
        return {int(rows[column]): subjects[row] for row, column in pairs}

    def _match_by_place(
        self,
        subjects: Sequence[Subject],
        seen: Detections,
        kinds: np.ndarray,
        rows: np.ndarray,
        at_s: float,
        least_alike: float = 0.0,
    ) -> dict[int, Subject]:
        """Somebody is still where they should be: all that a weak box can say."""
        if not subjects or not len(rows):
            return {}
        boxes = seen.boxes_xyxy[rows].astype(np.float64)
        there = foreseen_boxes(subjects, at_s, self._settings)[0]
        heights = np.array([each.height for each in subjects])
        iou = widened_overlaps(there, boxes, self._settings.widening * heights)
        iou[np.array([each.kind for each in subjects])[:, None] != kinds[rows][None]] = 0
        if seen.appearances is not None:
            alike = similarities(subjects, seen.appearances[rows], len(rows))
            iou[alike < least_alike] = 0  # not where it is not known: nan is never less
        pairs = assign(1 - iou, 1 - self._settings.weak_min_iou)
        return {int(rows[column]): subjects[row] for row, column in pairs}

    def _begin(self, seen: Detections, row: int, at_s: float) -> Subject:
        subject = Subject.begin(
            at_s,
            seen.boxes_xyxy[row],
            float(seen.scores[row]),
            int(seen.class_ids[row]),
            self._settings,
        )
        self.state.here.append(subject)
        return subject

    def _look(self, seen: Detections, rows: np.ndarray, found: dict[int, Subject]) -> None:
        """Take in what people look like, where nothing but them is in their box."""
        if seen.appearances is None or not len(rows):
            return
        boxes = seen.boxes_xyxy[rows]
        clear = is_whole(boxes, looked_at(seen)) & is_alone(boxes, boxes)
        clear &= ~self._may_hide_somebody(boxes, seen.frame.captured_at.timestamp())
        for row in rows[clear]:
            subject = found.get(int(row))
            if subject is not None and seen.appearances[row].any():
                subject.look_at(seen.appearances[row], self._settings)

    def _may_hide_somebody(self, boxes_xyxy: np.ndarray, at_s: float) -> np.ndarray:
        """(n,) bool: somebody should be there who has no box: they may be in this one."""
        unseen = [each for each in self.state.here if each.number and each.last_s < at_s]
        if not unseen:
            return np.zeros(len(boxes_xyxy), bool)
        there = foreseen_boxes(unseen, at_s, self._settings)[0]
        return np.asarray((overlaps(boxes_xyxy, there) >= CLEAR_MAX_IOU).any(axis=1))

    def _name(self, at_s: float, found: dict[int, Subject]) -> list[SubjectLink]:
        """Number those seen often enough; recognise those who were here before."""
        settings, links = self._settings, []
        for row in sorted(found):
            subject = found[row]
            if subject.hits < settings.confirm_hits or subject.is_decided:
                continue
            link = self._recognise(subject)
            if link is not None:
                links.append(link)
            elif not subject.number:
                subject.number = self.state.next_number
                self.state.next_number += 1
            if at_s - subject.first_s > settings.decide_within_s:
                subject.is_decided = True
        return links

    def _recognise(self, subject: Subject) -> SubjectLink | None:
        away = [each for each in self.state.here if each.number and each.last_s < subject.last_s]
        found = find_earlier(subject, [*self.state.gone, *away], self._settings)
        if found is None:
            return None
        earlier, was = found.earlier, subject.number
        for place in (self.state.gone, self.state.here):
            place[:] = [each for each in place if each is not earlier]
        subject.number, subject.is_decided = earlier.number, True
        return SubjectLink(
            track_id=subject.number,
            was=was,
            how=found.how,
            gap_s=round(subject.first_s - earlier.last_s, 3),
            similarity=round(found.similarity, 3),
            margin=round(found.margin, 3),
        )

    def _forget(self, at_s: float) -> None:
        """Drop what is too old: the colours of people must not outlive their use."""
        settings, state = self._settings, self.state
        here: list[Subject] = []
        for each in state.here:
            gap_s = at_s - each.last_s
            if gap_s <= (settings.direct_gap_s if each.number else settings.forget_unnamed_after_s):
                here.append(each)
            elif each.number and each.looks is not None:
                state.gone.append(each)
        state.here = here
        state.gone = [each for each in state.gone if at_s - each.last_s <= self._keep_s(each)]
        del state.gone[: -settings.max_remembered]

    def _keep_s(self, subject: Subject) -> float:
        settings = self._settings
        can_return = subject.sightings >= settings.repeat_sightings
        return max(settings.occlusion_s, settings.repeat_window_s if can_return else 0.0)
