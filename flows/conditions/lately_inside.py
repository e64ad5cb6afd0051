"""Remember who was in a zone when last seen, and was not on the way out: they may still be there, hidden.

How many are in a zone is only known where nobody of them is behind somebody else, a pillar or the desk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from flows.conditions.condition import Box, Memory, Scene, pixels
from flows.tracking.clear_views import looked_at
from flows.tracking.ways_out import AHEAD_S, LEAST_SPEED, was_leaving_the_view

TOLERANCE_S = 30.0  # hidden for longer, nobody can say any more whether they are there
KEPT_S = TOLERANCE_S + 5.0  # so a stay that waits for them ends first, as unknown
BRIEF_S, TIMES_SEEN = 2.0, 3.0  # who was in sight for less is kept so many times as long
# so near to where somebody was last, in their heights, a new number is theirs
NEAR, PACE, FAR = 0.75, 0.8, 3.0  # at once, more for each second, at most


class _Seen(NamedTuple):
    """Say where somebody was last, and for how long they were inside by then; saved."""

    box: Box
    speed_px: tuple[float, float]  # a second, to the right and down
    at_s: float
    inside_s: float

    @property
    def kept_s(self) -> float:
        """Return for how long they may be hidden; a box around nobody is soon forgotten."""
        return KEPT_S if self.inside_s >= BRIEF_S else TIMES_SEEN * self.inside_s


def count_hidden(
    memory: Memory, scene: Scene, inside: np.ndarray, is_in: Callable[[np.ndarray], np.ndarray]
) -> int:
    """Return how many more than those seen may be inside; to be asked of every frame.

    Args:
        memory: plain values, by number; changed in place.
        scene: the frame.
        inside: (k,) rows of those who are in, or may be.
        is_in: tells which of (n, 4) boxes, fractions of the picture, are inside, (n,) bool.
    """
    tracked, at_s = scene.tracked, scene.tracked.frame.captured_at.timestamp()
    numbers = tracked.track_ids.tolist()
    known = {who: _Seen(*kept) for who, kept in memory.items()}
    hidden = {
        who: last
        for who, last in known.items()
        if int(who) not in numbers
        and at_s - last.at_s <= last.kept_s
        and not _was_going(last, scene, is_in)
    }
    memory.clear()
    for row in inside.tolist():
        who, box = str(numbers[row]), pixels(tracked.boxes_xyxy[row])
        before = known.get(who)
        if before is None:
            hidden.pop(_whose(box, at_s, hidden), None)
        speed = (0.0, 0.0) if tracked.speeds_px is None else tracked.speeds_px[row].tolist()
        here_s = 0.0 if before is None else before.inside_s + at_s - before.at_s
        memory[who] = tuple(_Seen(box, (speed[0], speed[1]), at_s, here_s))
    memory.update((who, tuple(last)) for who, last in hidden.items())
    return len(hidden)


def _was_going(last: _Seen, scene: Scene, is_in: Callable[[np.ndarray], np.ndarray]) -> bool:
    """Tell whether somebody was about to leave the zone, or what is looked at."""
    right, down = last.speed_px
    if was_leaving_the_view(last.box, last.speed_px, looked_at(scene.tracked)):
        return True
    if np.hypot(right, down) < LEAST_SPEED * _height(last.box):
        return False
    frame = scene.tracked.frame
    soon = np.array(last.box) + AHEAD_S * np.array([right, down, right, down])
    return not is_in((soon / np.array([frame.width_px, frame.height_px] * 2))[None])[0]


def _whose(box: Box, at_s: float, hidden: dict[str, _Seen]) -> str:
    """Return who of the hidden a new number is, by place: the nearest within reach; "": nobody."""

    def away(last: _Seen) -> float:
        across = (box[0] + box[2] - last.box[0] - last.box[2]) / 2
        return float(np.hypot(across, box[1] - last.box[1])) / _height(last.box)

    near = {
        who: away(last)
        for who, last in hidden.items()
        if away(last) <= min(NEAR + PACE * (at_s - last.at_s), FAR)
    }
    return min(near, key=lambda who: near[who], default="")


def _height(box: Box) -> float:
    return max(box[3] - box[1], 1.0)
