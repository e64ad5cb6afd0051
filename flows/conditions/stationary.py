"""Condition: something in a zone does not move."""

from __future__ import annotations

from dataclasses import replace

from domain.tracks import SubjectLink
from flows.conditions.areas import Area
from flows.conditions.condition import Holding, Memory, Scene
from flows.conditions.present import PresentCondition
from flows.conditions.standing import Standing, forget, read_standing
from flows.conditions.verdict import Verdict, all_of


class StationaryCondition:
    """Hold for those in a zone who stay where they stood; standing.py says who does.

    Nothing is known of who only came, nor while the box of one who stood is another for a moment.
    """

    def __init__(self, areas: list[Area], classes: tuple[str, ...], max_shift: float) -> None:
        self._present = PresentCondition(areas, classes)
        self._max_shift = max_shift

    def look(self, scene: Scene, memory: Memory) -> list[Holding]:
        """Return one holding for everybody seen."""
        at_s = scene.tracked.frame.captured_at.timestamp()
        forget(memory, at_s)
        holdings = []
        for holding in self._present.look(scene, memory):
            who = str(holding.subject)
            before = read_standing(memory.get(who)) or Standing()
            standing, verdict = before.step(holding.box_xyxy, at_s, self._max_shift)
            memory[who] = standing.plain()
            holdings.append(_joined(holding, verdict, stood=standing.anchor is not None))
        return holdings

    def renumber(self, link: SubjectLink, memory: Memory) -> None:
        """Go on with where they stood before; where they have been since, the next frames judge."""
        later = read_standing(memory.pop(str(link.was), None))
        before = read_standing(memory.get(str(link.track_id)))
        if later is None:
            return
        if before is not None and before.anchor is not None and later.anchor is None:
            later = replace(before, recent=later.recent)
        memory[str(link.track_id)] = later.plain()


def _joined(holding: Holding, stands: Verdict, *, stood: bool) -> Holding:
    """Join where somebody is with whether they stand."""
    if stood and stands is Verdict.NOT_KNOWN:
        # the box is another than where they stood, so neither does it say in which zone they are
        return replace(holding, verdict=Verdict.NOT_KNOWN)
    is_elsewhere = holding.verdict is Verdict.DOES_NOT_HOLD
    return replace(
        holding,
        verdict=all_of((holding.verdict, stands)),
        basis=holding.basis if is_elsewhere else "moved",
    )
