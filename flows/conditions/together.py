"""Conditions joined: all of them, or any."""

from __future__ import annotations

from flows.conditions.condition import Condition, Holding, Memory, Scene


class TogetherCondition:
    """Joins what its parts say of each subject.

    A part that speaks of a place (nobody is there, so many are there) counts for every subject:
    "a car stands here while nobody is at the desk" joins a track with a place.
    """

    def __init__(self, parts: list[Condition], *, needs_all: bool) -> None:
        self._parts = parts
        self._needs_all = needs_all

    def look(self, scene: Scene, memory: Memory) -> list[Holding]:
        """One holding for each subject that any part has an opinion on."""
        told = [
            part.look(scene, memory.setdefault(f"part {number}", {}))
            for number, part in enumerate(self._parts)
        ]
        tracked = {each.subject for said in told for each in said if each.subject.isdigit()}
        subjects = sorted(tracked, key=int) or sorted({e.subject for said in told for e in said})
        return [self._join(subject, told) for subject in subjects]

    def _join(self, subject: str, told: list[list[Holding]]) -> Holding:
        opinions = [_opinion(subject, said) for said in told]
        verdicts = [each is not None and each.holds for each in opinions]
        holds = all(verdicts) if self._needs_all else any(verdicts)
        own = [each for each in opinions if each is not None and each.subject == subject]
        # shown and scored as the first part that holds for the subject itself
        shown = next((each for each in own if each.holds), own[0])
        return Holding(subject, shown.place_id, holds, shown.score, shown.box_xyxy)


def _opinion(subject: str, said: list[Holding]) -> Holding | None:
    """What one part says of a subject; of the place, where it says nothing of the subject."""
    return next(
        (each for each in said if each.subject == subject),
        next((each for each in said if not each.subject.isdigit()), None),
    )
