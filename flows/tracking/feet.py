"""Tell when the lower part of somebody is hidden: behind a car, a hedge, another person.

Then the box ends where the cover begins, and its lower edge is no place where anybody stands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pydantic import FiniteFloat

USUAL_S = 1.5  # over which the usual height is taken
CUT, WHOLE = 0.75, 0.85  # of the usual height: at most so much when it is cut, so much when no more
RISE = 0.15  # of the usual height: the lower edge rises by that,
STILL = 0.2  # and the upper one moves by no more
RECENT_S = 2.0  # since the whole box that it is compared with
BELIEVED_S = 10.0  # then it is as high as it is


@dataclass(slots=True)
class Feet:
    """Follow the height of one subject's box, pixels; saved with it."""

    usual: FiniteFloat = 0.0  # 0: never seen
    seen_s: FiniteFloat = 0.0
    top: FiniteFloat = 0.0  # of the last box that was whole, or cut below
    bottom: FiniteFloat = 0.0  # of the last whole one
    whole_s: FiniteFloat = 0.0  # when that was
    hidden_since_s: FiniteFloat | None = None

    def see(self, at_s: float, top: float, bottom: float) -> None:
        """Take in one box."""
        height = max(bottom - top, 1.0)
        if self._are_hidden(at_s, top, bottom, height):
            self.seen_s, self.top = at_s, top
            return
        self.hidden_since_s = None
        share = 1.0 if not self.usual else 1 - math.exp(-(at_s - self.seen_s) / USUAL_S)
        self.usual, self.seen_s = self.usual + share * (height - self.usual), at_s
        if height >= WHOLE * self.usual:
            self.top, self.bottom, self.whole_s = top, bottom, at_s

    def _are_hidden(self, at_s: float, top: float, bottom: float, height: float) -> bool:
        is_still = abs(top - self.top) < STILL * self.usual
        if self.hidden_since_s is not None:
            is_short = height < WHOLE * self.usual
            return is_still and is_short and at_s - self.hidden_since_s <= BELIEVED_S
        if (
            is_still
            and height < CUT * self.usual
            and self.bottom - bottom > RISE * self.usual
            and at_s - self.whole_s <= RECENT_S
        ):
            self.hidden_since_s = at_s
        return self.hidden_since_s is not None

    def bottom_of(self, top: float, bottom: float) -> float:
        """Return where the feet are thought to be of a box with these edges."""
        return bottom if self.hidden_since_s is None else max(bottom, top + self.usual)
