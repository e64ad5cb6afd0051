"""Ask one frame about somebody who is not seen in it: were they on the way out, is somebody in front?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from pydantic import AwareDatetime, FiniteFloat

from domain.events.base import Box
from domain.tracks import Track, TrackedFrame
from flows.conditions.condition import Holding
from flows.conditions.verdict import Verdict
from flows.tracking.matching import overlaps

AHEAD_S = 1.0  # so far people are foreseen by how they moved
LEAST_SPEED = 0.15  # heights a second; slower, and a box that trembles would be on its way
CUT_SHARE = 0.2  # of a box: so much of it is foreseen beyond the border of what is looked at
CUT_WITHIN = 0.05  # heights: a box that ends nearer to the border is cut by it
BORDER = 0.1  # heights: who begins nearer to the border has come in there
GROUP_IOU = 0.1  # of boxes


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Say where somebody was last, and how they moved; saved with the stay."""

    at: AwareDatetime
    box_xyxy: Box
    speed_px: tuple[FiniteFloat, FiniteFloat]  # a second, to the right and down
    class_id: int

    @property
    def height_px(self) -> float:
        """Return how high their box was."""
        return max(self.box_xyxy[3] - self.box_xyxy[1], 1.0)

    def foresee(self) -> Box:
        """Return where they will be soon, if they go on; who hardly moves stays."""
        right, down = self.speed_px
        if float(np.hypot(right, down)) < LEAST_SPEED * self.height_px:
            return self.box_xyxy
        x1, y1, x2, y2 = self.box_xyxy
        right, down = right * AHEAD_S, down * AHEAD_S
        return x1 + right, y1 + down, x2 + right, y2 + down


@dataclass(frozen=True, eq=False)
class Outlook:
    """Hold one frame with everybody whom the tracker follows, also those too weak for the rule."""

    tracked: TrackedFrame
    look: Callable[[TrackedFrame], Sequence[Holding]]  # by the rule's condition, which forgets it

    @cached_property
    def rows(self) -> dict[int, int]:
        """Return the row of each number."""
        return {int(number): row for row, number in enumerate(self.tracked.track_ids)}

    def whereabouts(self, row: int) -> Whereabouts:
        """Return where somebody is, feet and all."""
        x1, y1, x2, y2 = (round(value, 2) for value in self.tracked.boxes_xyxy[row].tolist())
        if self.tracked.feet_y is not None:  # behind what hides them
            y2 = max(y2, round(float(self.tracked.feet_y[row]), 2))
        speeds = self.tracked.speeds_px
        right, down = (0.0, 0.0) if speeds is None else speeds[row].tolist()
        return Whereabouts(
            self.tracked.frame.captured_at,
            (x1, y1, x2, y2),
            (round(right, 2), round(down, 2)),
            int(self.tracked.class_ids[row]),
        )

    def was_on_the_way_out(self, subject: Track, last: Whereabouts) -> bool:
        """Tell whether somebody was about to leave the zone, or the picture as far as it is looked at."""
        return self.was_leaving_the_view(last) or self._is_out(subject, last, last.foresee())

    def was_leaving_the_view(self, last: Whereabouts) -> bool:
        """Tell whether somebody was about to leave the picture as far as it is looked at."""
        box = np.array(last.box_xyxy)
        width_px, height_px = np.maximum(box[2:] - box[:2], 1.0).tolist()
        right, down = last.speed_px
        # outwards, for the left, upper, right and lower border
        speeds = np.array([-right, -down, right, down])
        to_border = (self._view_around(box) - box) * [-1, -1, 1, 1]
        # the middle of a box that the border cuts moves at half the pace
        speeds = np.where(to_border <= CUT_WITHIN * height_px, 2 * speeds, speeds)
        beyond = speeds * AHEAD_S - np.maximum(to_border, 0)
        enough = CUT_SHARE * np.array([width_px, height_px, width_px, height_px])
        return bool(((beyond >= enough) & (speeds >= LEAST_SPEED * height_px)).any())

    def came_over_the_border(self, row: int) -> bool:
        """Tell whether somebody came in where what is looked at ends: by where they came, and how they go."""
        assert self.tracked.came_xyxy is not None
        x1, y1, x2, y2 = self.tracked.came_xyxy[row].tolist()
        margin = BORDER * (y2 - y1) * np.array([-1, -1, 1, 1])
        if not self.is_whole(self.tracked.came_xyxy[row] + margin):
            return True
        now = self.whereabouts(row)
        right, down = now.speed_px
        return self.was_leaving_the_view(
            replace(now, box_xyxy=(x1, y1, x2, y2), speed_px=(-right, -down))
        )

    def was_in_a_group(self, subject: Track, last: Whereabouts) -> bool:
        """Tell whether somebody else is now where they were."""
        others = self.tracked.boxes_xyxy[self.tracked.track_ids != subject.number]
        shared = overlaps(np.array([last.box_xyxy]), others.astype(np.float64))
        return bool((shared >= GROUP_IOU).any())

    def is_whole(self, box_xyxy: np.ndarray) -> bool:
        """Tell whether a box, (4,), lies within what is looked at."""
        view = self._view_around(box_xyxy)
        return bool((box_xyxy[:2] >= view[:2]).all() and (box_xyxy[2:] <= view[2:]).all())

    def _view_around(self, box_xyxy: np.ndarray) -> np.ndarray:
        """Return the view, (4,), that shows most of a box: where two meet, each shows whole people."""
        parts = self.tracked.looked_at_xyxy
        if parts is None:
            frame = self.tracked.frame
            return np.array([0, 0, frame.width_px, frame.height_px], np.float64)
        sides = np.minimum(box_xyxy[2:], parts[:, 2:]) - np.maximum(box_xyxy[:2], parts[:, :2])
        best: np.ndarray = parts[np.prod(np.maximum(sides, 0), axis=1).argmax()]
        return best

    def _is_out(self, subject: Track, last: Whereabouts, box_xyxy: Box) -> bool:
        """Tell whether the rule's condition would not hold for somebody who was there."""
        others = self.tracked.keep(self.tracked.track_ids != subject.number)
        there = TrackedFrame(
            frame=others.frame,
            boxes_xyxy=np.array([*others.boxes_xyxy, box_xyxy], np.float32),
            scores=np.append(others.scores, np.float32(1)),
            class_ids=np.append(others.class_ids, last.class_id),
            track_ids=np.append(others.track_ids, subject.number),
            sight=others.sight,
        )
        said = (each.verdict for each in self.look(there) if each.subject == subject)
        return next(said, Verdict.NOT_KNOWN) is Verdict.DOES_NOT_HOLD
