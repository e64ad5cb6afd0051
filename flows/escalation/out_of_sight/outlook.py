"""Ask one frame about somebody who is not seen in it: were they on the way out, is somebody in front?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from domain.events.base import Box
from domain.tracks import Track, TrackedFrame
from flows.conditions.condition import Holding
from flows.conditions.verdict import Verdict
from flows.escalation.stays.whereabouts import Whereabouts
from flows.tracking.clear_views import looked_at
from flows.tracking.matching import overlaps
from flows.tracking.ways_out import was_leaving_the_view

BORDER = 0.1  # heights: who begins nearer to the border has come in there
GROUP_IOU = 0.1  # of boxes


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
            self.tracked.trembles is not None and bool(self.tracked.trembles[row]),
            int(self.tracked.track_ids[row]) in self.tracked.doubled_since_s,
        )

    def was_on_the_way_out(
        self, subject: Track, last: Whereabouts, *, is_outside: bool = False
    ) -> bool:
        """Tell whether somebody was about to leave the zone, or the picture as far as it is looked at.

        By their own way: where the condition would not hold for them if they had stayed, either, it is for
        what others do. `is_outside`: it did not hold any more when they were seen last.
        """
        if self.was_leaving_the_view(last):
            return True
        return self._is_out(subject, last, last.foresee()) and (
            is_outside or not self._is_out(subject, last, last.box_xyxy)
        )

    def was_leaving_the_view(self, last: Whereabouts) -> bool:
        """Tell whether somebody was about to leave the picture as far as it is looked at."""
        return was_leaving_the_view(
            last.box_xyxy, last.speed_px, self._parts, trembles=last.trembles
        )

    def came_over_the_border(self, row: int) -> bool:
        """Tell whether somebody came in where what is looked at ends: by where they came, and how they go."""
        assert self.tracked.came_xyxy is not None
        x1, y1, x2, y2 = came = self.tracked.came_xyxy[row].tolist()
        margin = BORDER * (y2 - y1) * np.array([-1, -1, 1, 1])
        if not self._is_whole(np.array(came) + margin):
            return True
        right, down = self.whereabouts(row).speed_px
        return was_leaving_the_view((x1, y1, x2, y2), (-right, -down), self._parts)

    def was_in_a_group(self, subject: Track, last: Whereabouts) -> bool:
        """Tell whether somebody else is now where they were."""
        others = self.tracked.boxes_xyxy[self.tracked.track_ids != subject.number]
        shared = overlaps(np.array([last.box_xyxy]), others.astype(np.float64))
        return bool((shared >= GROUP_IOU).any())

    @cached_property
    def _parts(self) -> np.ndarray:
        """Return the (k, 4) parts of the picture that are looked at."""
        return looked_at(self.tracked)

    def _is_whole(self, box: np.ndarray) -> bool:
        """Tell whether a box, (4,), lies within a part of the picture that is looked at."""
        parts = self._parts
        return bool(((box[:2] >= parts[:, :2]) & (box[2:] <= parts[:, 2:])).all(axis=1).any())

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
