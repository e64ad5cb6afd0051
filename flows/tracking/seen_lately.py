"""Hold everybody seen lately before one camera as columns, to compare those who come with all of them at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flows.tracking.likelihood import LikenessKind
from flows.tracking.settings import SubjectSettings
from flows.tracking.subject import Subject
from flows.tracking.ways_out import was_walking_out

PERSON = 1


class SeenLately:
    """Hold the people of one frame's memory by one kind of likeness, (n,) rows of whom it is known.

    Made for one frame; who gets a number, or another match, meanwhile is brought up to date by `note`.
    """

    def __init__(
        self,
        lost: Sequence[Subject],
        present: Sequence[Subject],
        came: Sequence[Subject],
        parts_xyxy: np.ndarray,
        kind: LikenessKind,
        settings: SubjectSettings,
    ) -> None:
        """Take who is asked about, and who asks.

        Args:
            lost: subjects that are not seen now.
            present: those that are, numbered or not yet.
            came: who may be compared with them.
            parts_xyxy: (k, 4) what is looked at of the picture, pixels.
            kind: by which likeness they are compared.
            settings: what a comparison needs.
        """
        known = [each for each in lost if _is_known(each, kind)]
        lost_count = len(known)
        known += [each for each in present if _is_known(each, kind)]
        self.kind, self.subjects = kind, known
        self._parts_xyxy, self._settings = parts_xyxy, settings
        self._row = {id(each): row for row, each in enumerate(known)}
        # 0: has no number yet, or is somebody of these by now; nobody is asked about those
        self.numbers = np.array([each.number for each in known], np.int64)
        self.may_be = np.array([each.may_be for each in known], np.int64)
        self.is_lost = np.arange(len(known)) < lost_count
        self.last_s = np.array([each.last_s for each in known], np.float64)
        self.views = np.array([kind.views(each) for each in known], np.int64)
        self.says = kind.says(known)  # in [0, 1]
        self._x = np.array([each.x for each in known], np.float64)
        self._y = np.array([each.y for each in known], np.float64)
        self._height = np.array([each.height for each in known], np.float64)
        self._walked_px = settings.speed_lasts_s * np.array(
            [np.hypot(each.speed_x, each.speed_y) for each in known], np.float64
        )
        asking = [each for each in came if _is_known(each, kind)] if known else []
        self._column = {id(each): column for column, each in enumerate(asking)}
        self._alike = kind.alike(known, asking)
        self._walked_out: dict[int, bool] = {}

    def __len__(self) -> int:
        return len(self.subjects)

    def can_compare(self, subject: Subject) -> bool:
        """Tell whether this likeness is known of one of those who came, and of anybody lost."""
        return id(subject) in self._column and bool((self.is_lost & (self.numbers > 0)).any())

    def alike(self, subject: Subject) -> np.ndarray:
        """Return how alike everybody and one of those who came are, (n,) in [-1, 1]."""
        alike: np.ndarray = self._alike[:, self._column[id(subject)]]
        return alike

    def asked_about(self, subject: Subject) -> np.ndarray:
        """Tell who has a number and is not that one, (n,) bool."""
        asked: np.ndarray = self.numbers > 0
        if (row := self._row.get(id(subject))) is not None:
            asked[row] = False
        return asked

    def note(self, subject: Subject) -> None:
        """Take in which number somebody who came has, and whom they perhaps are."""
        if (row := self._row.get(id(subject))) is not None:
            self.numbers[row], self.may_be[row] = subject.number, subject.may_be

    def drop(self, subject: Subject) -> None:
        """Ask about somebody no more, whose number is that of one who came."""
        if (row := self._row.get(id(subject))) is not None:
            self.numbers[row] = 0

    def could_be_hidden(self, subject: Subject, rows: np.ndarray) -> np.ndarray:
        """Tell who of those, (k,) rows, may have been hidden all the time and come out as the subject, (k,) bool.

        Who walked out was not hidden.
        """
        settings = self._settings
        reach = settings.hidden_reach + settings.hidden_pace * (subject.first_s - self.last_s[rows])
        off_px = np.hypot(subject.begin_x - self._x[rows], subject.begin_y - self._y[rows])
        could = off_px <= reach * self._height[rows] + self._walked_px[rows]
        for place in np.flatnonzero(could).tolist():
            row = int(rows[place])
            earlier = self.subjects[row]
            x, y, variance = earlier.foresee(subject.first_s, settings)
            away = float(np.hypot(subject.begin_x - x, subject.begin_y - y)) / earlier.height
            is_near = away <= min(3 * variance**0.5, float(reach[place]))
            could[place] = is_near and not self._has_walked_out(row)
        return np.asarray(could)

    def _has_walked_out(self, row: int) -> bool:
        if row not in self._walked_out:
            one = self.subjects[row]
            self._walked_out[row] = was_walking_out(one, self._parts_xyxy, self._settings)
        return self._walked_out[row]


def _is_known(subject: Subject, kind: LikenessKind) -> bool:
    return subject.kind == PERSON and kind.views(subject) > 0
