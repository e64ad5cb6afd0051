"""Something in a zone does not move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from flows.conditions.areas import Area
from flows.conditions.condition import Holding, Memory, Scene
from flows.conditions.present import PresentCondition

SETTLE_S = 2.0  # so long unmoved before it counts as standing: someone who strolls never does
FORGET_AFTER_S = 30.0  # an anchor of something that is no longer seen

Anchor = tuple[float, float, float, float]  # x, y in pixels; standing since, last seen: seconds


class StationaryCondition:
    """Holds for those in a zone whose middle stays near where it stood.

    Each has an anchor: where it was when it last moved. Leaving the anchor's surroundings sets a
    new one; jitter of the box does not.
    """

    def __init__(self, areas: list[Area], classes: tuple[str, ...], max_shift: float) -> None:
        self._present = PresentCondition(areas, classes)
        self._max_shift = max_shift

    def look(self, scene: Scene, memory: Memory) -> list[Holding]:
        """One holding for everybody seen."""
        at_s = scene.tracked.frame.captured_at.timestamp()
        said = []
        for holding in self._present.look(scene, memory):
            anchor = self._anchor(holding, memory.get(holding.subject), at_s)
            memory[holding.subject] = anchor
            stands = at_s - anchor[2] >= SETTLE_S
            said.append(replace(holding, holds=holding.holds and stands))
        for subject in [s for s, anchor in memory.items() if at_s - anchor[3] > FORGET_AFTER_S]:
            del memory[subject]
        return said

    def _anchor(self, holding: Holding, before: Anchor | None, at_s: float) -> Anchor:
        x1, y1, x2, y2 = holding.box_xyxy
        x, y = (x1 + x2) / 2, (y1 + y2) / 2
        allowed_px = self._max_shift * max(x2 - x1, y2 - y1)
        if before is None or float(np.hypot(x - before[0], y - before[1])) > allowed_px:
            return x, y, at_s, at_s
        return before[0], before[1], before[2], at_s
