"""Know who is who before one camera: boxes of a frame in, numbers out that stay with the person.

One layer does what trackers and re-identification usually share: boxes are given to subjects by
place and colours together, and a subject who was lost may get a new box's person back.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from domain.detections import Detections
from domain.tracks import Resemblances, SubjectLink, SubjectMatch
from flows.tracking.clear_views import CLEAR_MAX_IOU, is_alone, is_whole, looked_at
from flows.tracking.doubles import note_doubles
from flows.tracking.likelihood import KINDS, LikenessKind
from flows.tracking.matching import (
    assign,
    drop_duplicates,
    foreseen_boxes,
    match_costs,
    overlaps,
    similarities,
    widened_overlaps,
)
from flows.tracking.relink import BestMatch, best_match
from flows.tracking.remembered import SubjectState, forget
from flows.tracking.seen_lately import SeenLately
from flows.tracking.settings import SubjectSettings
from flows.tracking.subject import Subject, kind_of
from flows.tracking.ways_out import was_leaving


class SubjectMemory:
    """Number the subjects of one camera; `update` takes its frames in order."""

    def __init__(
        self,
        settings: SubjectSettings,
        state: SubjectState | None = None,
        kinds: Sequence[LikenessKind] = KINDS,
    ) -> None:
        """Begin with nobody, or go on from a state; people are compared by the first kind known of them."""
        self._settings = settings
        self._kinds = kinds
        self.state = state or SubjectState()

    def update(self, seen: Detections) -> tuple[dict[int, Subject], list[SubjectLink]]:
        """Give this frame's boxes to subjects.

        Args:
            seen: boxes of all classes that count.
        Returns:
            The named subjects that were seen, by row of `seen`, and who was recognised.
        """
        at_s = seen.frame.captured_at.timestamp()
        forget(self.state, at_s, self._settings, self._kinds)
        kinds = np.array([kind_of(int(each)) for each in seen.class_ids], np.int64)
        rows = self._usable(seen, kinds)
        found = self._match(seen, kinds, rows, at_s)
        for row, subject in found.items():
            box, score = seen.boxes_xyxy[row], float(seen.scores[row])
            subject.see(at_s, box, score, int(seen.class_ids[row]), self._settings)
        for row in rows:
            if row not in found and seen.scores[row] >= self._settings.strong_score:
                found[int(row)] = self._begin(seen, int(row), at_s)
        looked = self._look(seen, rows, found)
        links = self._name(seen, found, looked)
        numbered = [each for each in found.values() if each.number]
        unseen = [each for each in self.state.here if each.number and each.last_s < at_s]
        note_doubles(numbered, unseen, at_s, looked_at(seen), self._settings)
        return {row: found[row] for row in sorted(found) if found[row].number}, links

    def _usable(self, seen: Detections, kinds: np.ndarray) -> np.ndarray:
        rows = np.flatnonzero(seen.scores >= self._settings.weak_score)
        boxes, scores = seen.boxes_xyxy[rows], seen.scores[rows]
        kept = drop_duplicates(boxes, scores, kinds[rows], self._settings.duplicate_iou)
        return np.asarray(rows[kept])

    def _match(
        self, seen: Detections, kinds: np.ndarray, rows: np.ndarray, at_s: float
    ) -> dict[int, Subject]:
        """Give strong boxes to the named, then weak ones to those left, then what is left by place."""
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
            if id(each) not in taken
            and at_s - each.last_s <= self._settings.recolour_gap_s
            and not was_leaving(each, looked_at(seen), self._settings)
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
        """Tell whether somebody walked out: who comes in there is somebody else, until looks say otherwise."""
        is_unseen = at_s - subject.last_s > self._settings.recolour_gap_s
        return is_unseen and was_leaving(subject, looked_at(seen), self._settings)

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
        """Give boxes to those who are still where they should be: all that a weak box can say."""
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

    def _look(self, seen: Detections, rows: np.ndarray, found: dict[int, Subject]) -> set[int]:
        """Take in what people look like, where nothing but them is in their box; return those rows."""
        looked: set[int] = set()
        if seen.appearances is None or not len(rows):
            return looked
        boxes, at_s = seen.boxes_xyxy[rows], seen.frame.captured_at.timestamp()
        clear = is_whole(boxes, looked_at(seen)) & is_alone(boxes, boxes)
        clear &= ~self._may_hide_somebody(boxes, at_s)
        for row in rows[clear].tolist():
            subject = found.get(row)
            if subject is not None and seen.appearances[row].any():
                subject.look_at(seen.appearances[row], self._settings)
                if seen.likeness is not None and seen.likeness[row].any():
                    subject.take_likeness(seen.likeness[row], at_s, self._settings)
                looked.add(row)
        return looked

    def _may_hide_somebody(self, boxes_xyxy: np.ndarray, at_s: float) -> np.ndarray:
        """Tell which boxes, (n,) bool, may hold somebody who should be there and has no box."""
        unseen = [each for each in self.state.here if each.number and each.last_s < at_s]
        if not unseen:
            return np.zeros(len(boxes_xyxy), bool)
        there = foreseen_boxes(unseen, at_s, self._settings)[0]
        return np.asarray((overlaps(boxes_xyxy, there) >= CLEAR_MAX_IOU).any(axis=1))

    def _name(
        self, seen: Detections, found: dict[int, Subject], looked: set[int]
    ) -> list[SubjectLink]:
        """Give numbers to those seen often enough; recognise those who were here before."""
        settings, links = self._settings, []
        at_s = seen.frame.captured_at.timestamp()
        undecided = [
            row
            for row in sorted(found)
            if found[row].hits >= settings.confirm_hits and not found[row].is_decided
        ]
        lately = self._seen_lately(seen, [found[row] for row in undecided if row in looked])
        for row in undecided:
            subject = found[row]
            link = self._recognise(subject, lately) if row in looked else None
            if link is not None:
                links.append(link)
            elif not subject.number:
                subject.number = self.state.next_number
                self.state.next_number += 1
            for known in lately:
                known.note(subject)
            is_known = subject.sightings >= settings.repeat_sightings
            if is_known and at_s - subject.first_s > settings.decide_within_s:
                subject.is_decided = True
        return links

    def _seen_lately(self, seen: Detections, came: Sequence[Subject]) -> list[SeenLately]:
        """Gather everybody with whom those who came are compared, by each likeness; []: there is nobody."""
        at_s, state = seen.frame.captured_at.timestamp(), self.state
        lost = [*state.gone, *(each for each in state.here if each.last_s < at_s and each.number)]
        if not came or not lost:
            return []
        present = [each for each in state.here if each.last_s >= at_s]
        parts = looked_at(seen)
        return [
            SeenLately(lost, present, came, parts, kind, self._settings) for kind in self._kinds
        ]

    def _recognise(self, subject: Subject, lately: Sequence[SeenLately]) -> SubjectLink | None:
        """Compare somebody with those who were here before; surely one of them: their number goes on."""
        state, settings = self.state, self._settings
        subject.match = None
        compared = self._compare(subject, lately)
        if compared is None or not compared[0].is_worth_saying(settings):
            return None
        found, kind = compared
        earlier, was = found.earlier, subject.number
        subject.match = SubjectMatch(
            number=earlier.number,
            how=found.how,
            gap_s=round(subject.first_s - earlier.last_s, 3),
            similarity=round(found.similarity, 3),
            margin=round(found.margin, 3),
            error=round(found.error, 4),
            is_sure=found.is_sure(settings),
            by=kind.name,
        )
        if not subject.match.is_sure:
            return None
        for place in (state.gone, state.here):
            place[:] = [each for each in place if each is not earlier]
        for each in lately:
            each.drop(earlier)
        subject.take_up(earlier)
        return SubjectLink(subject.number, was, subject.match)

    def _compare(
        self, subject: Subject, lately: Sequence[SeenLately]
    ) -> tuple[BestMatch, LikenessKind] | None:
        """Find whom somebody may be by the first likeness of which enough was seen; None: there is nobody."""
        for known in lately:
            if known.can_compare(subject):
                usual = self.state.usually(known.kind)
                found = best_match(subject, known, usual, self._settings)
                if found is not None:
                    return found, known.kind
        return None

    def resemblances(self, found: dict[int, Subject]) -> Resemblances:
        """Compare who came a moment ago with everybody out of sight since before, where colours are known.

        Args:
            found: the subjects of the last frame, as `update` returned them.
        """
        within_s = self._settings.decide_within_s
        came = [
            each
            for each in found.values()
            if each.number and each.looks is not None and each.last_s - each.first_s <= within_s
        ]
        if not came:
            return Resemblances()
        here = {each.number for each in found.values()}
        since_s = came[0].last_s - self._settings.compare_within_s
        known = [
            each
            for each in (*self.state.here, *self.state.gone)
            if each.number and each.last_s >= since_s and each.looks is not None
        ]
        unseen = [row for row, each in enumerate(known) if each.number not in here]
        if not unseen:
            return Resemblances()
        worn = np.stack([each.looks for each in came if each.looks is not None])
        alike = similarities(known, worn, len(came))
        numbers = np.array([each.number for each in known])
        is_self = numbers[:, None] == np.array([each.number for each in came])
        margins = alike - _of_the_most_alike_other(np.where(is_self, -1, alike))
        return Resemblances(
            tuple(each.number for each in came),
            tuple(known[row].number for row in unseen),
            alike[unseen],
            margins[unseen],
        )


def _of_the_most_alike_other(alike: np.ndarray) -> np.ndarray:
    """Return for each row the greatest value of the other rows, (n, m); n is 2 or more."""
    second, first = np.sort(alike, axis=0)[-2:]
    return np.asarray(np.where(alike == first, second, first))
