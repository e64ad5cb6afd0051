"""Tell from one subject's boxes whether it stands: robust against a bad box and half a box.

Where it stands is an anchor: the median of its boxes once it has stayed in place for SETTLE_S. It has
moved only when the median of its last second is elsewhere and stays so. A box that is a part of the
anchor, or has it as a part, may be the same thing half hidden: that is no move, and it is judged again
only when it has settled as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from flows.conditions.condition import Box, Memory
from flows.conditions.verdict import Verdict

SETTLE_S = 2.0  # so long unmoved before it counts as standing: someone who strolls never does
AWAY_S = 1.0  # so long elsewhere before it counts as moved
RECENT_S = 1.0  # boxes of which the median is taken
FEWEST = 3  # boxes of a median, at low frame rates older ones among them, so that one is outvoted
OLDEST_S = 4.0  # of those
FORGET_AFTER_S = 30.0  # of something that is no longer seen
SAME_SIZE = 0.7  # least share of the larger area: jitter of all four sides
PART = 0.85  # share of the smaller box that lies in the larger one: it is a part of it

Seen = tuple[float, Box]  # at, where


@dataclass(frozen=True, slots=True)
class Standing:
    """Remember where one subject was lately and where it stood; saved as plain values."""

    recent: tuple[Seen, ...] = ()
    anchor: Box | None = None  # where it stands
    settling: Box | None = None  # where it may be coming to stand
    settling_since: float = 0.0
    away_since: float | None = None  # elsewhere than at the anchor
    has_moved: bool = False  # it stood, and has not come to stand again

    def plain(self) -> tuple[Any, ...]:
        """Return it as plain values."""
        return tuple(getattr(self, name) for name in self.__dataclass_fields__)

    def step(self, box: Box, at_s: float, max_shift: float) -> tuple[Standing, Verdict]:
        """Take in one frame's box; return what is known after it.

        Args:
            box: pixels.
            at_s: seconds of the frames' own clock.
            max_shift: share of a box's longer side within which its middle still is in place.
        """
        now = replace(self, recent=_lately(self.recent, box, at_s))
        middle = _median(now.recent)
        anchor, settling = self.anchor, self.settling
        if anchor is not None and _is_same(anchor, middle, max_shift):
            now = replace(now, settling=None, away_since=None)
            is_good = _is_same(anchor, box, max_shift)
            return now, Verdict.HOLDS if is_good else Verdict.NOT_KNOWN
        if settling is None or not _is_same(settling, middle, max_shift):
            settling = middle
            now = replace(now, settling=middle, settling_since=at_s)
        if at_s - now.settling_since >= SETTLE_S and _is_same(settling, box, max_shift):
            return Standing(now.recent, anchor=middle), Verdict.HOLDS
        if anchor is None:
            return now, Verdict.DOES_NOT_HOLD if now.has_moved else Verdict.NOT_KNOWN
        if _is_part(anchor, middle):
            return replace(now, away_since=None), Verdict.NOT_KNOWN
        away_since = at_s if now.away_since is None else now.away_since
        if at_s - away_since < AWAY_S:
            return replace(now, away_since=away_since), Verdict.NOT_KNOWN
        return replace(now, anchor=None, away_since=None, has_moved=True), Verdict.DOES_NOT_HOLD


def read_standing(kept: Sequence[Any] | None) -> Standing | None:
    """Read what was remembered; None: nothing, or by a version that remembered less."""
    if kept is None or len(kept) != len(Standing.__dataclass_fields__):
        return None
    return Standing(*kept)


def forget(memory: Memory, at_s: float) -> None:
    """Drop whatever was not seen for long."""
    for who, kept in list(memory.items()):
        known = read_standing(kept)
        if known is None or at_s - known.recent[-1][0] > FORGET_AFTER_S:
            del memory[who]


def _lately(recent: tuple[Seen, ...], box: Box, at_s: float) -> tuple[Seen, ...]:
    seen = [*recent, (at_s, box)]
    few = seen[-FEWEST:]
    return tuple(
        each
        for number, each in enumerate(seen, start=len(few) - len(seen))
        if at_s - each[0] <= (OLDEST_S if number >= 0 else RECENT_S)
    )


def _median(recent: tuple[Seen, ...]) -> Box:
    x1, y1, x2, y2 = np.median([box for _, box in recent], axis=0).tolist()
    return x1, y1, x2, y2


def _is_same(anchor: Box, box: Box, max_shift: float) -> bool:
    """Tell whether a box is in place: its middle, and about its size."""
    allowed_px = max_shift * max(anchor[2] - anchor[0], anchor[3] - anchor[1])
    across = (anchor[0] + anchor[2] - box[0] - box[2]) / 2
    down = (anchor[1] + anchor[3] - box[1] - box[3]) / 2
    smaller, larger = sorted((_area(anchor), _area(box)))
    return bool(np.hypot(across, down) <= allowed_px and smaller >= SAME_SIZE * larger)


def _is_part(one: Box, other: Box) -> bool:
    """Tell whether the smaller of both boxes lies in the larger one."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide > 0 and high > 0 and wide * high >= PART * min(_area(one), _area(other))


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
