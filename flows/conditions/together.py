"""Condition: all of some conditions hold, or any."""

from __future__ import annotations

from dataclasses import replace

from domain.tracks import Place, SubjectKey, SubjectLink, Track, order_of
from flows.conditions.condition import Evaluator, Holding, Memory, Scene
from flows.conditions.verdict import Verdict, all_of, any_of


class TogetherCondition:
    """Join what its parts say of each subject.

    A part that speaks of a place (nobody is there, so many are there) counts for every subject:
    "a car stands here while nobody is at the desk" joins a track with a place.
    """

    def __init__(self, parts: list[Evaluator], *, needs_all: bool) -> None:
        self._parts = parts
        self._needs_all = needs_all

    def look(self, scene: Scene, memory: Memory) -> list[Holding]:
        """Return one holding for each subject that any part has an opinion on."""
        by_part = [
            part.look(scene, _own(memory, number)) for number, part in enumerate(self._parts)
        ]
        named = {holding.subject for holdings in by_part for holding in holdings}
        subjects = {each for each in named if isinstance(each, Track)} or named
        return [self._join(subject, by_part) for subject in sorted(subjects, key=order_of)]

    def renumber(self, link: SubjectLink, memory: Memory) -> None:
        """Pass it on to each part."""
        for number, part in enumerate(self._parts):
            part.renumber(link, _own(memory, number))

    def _join(self, subject: SubjectKey, by_part: list[list[Holding]]) -> Holding:
        opinions = [_opinion(subject, holdings) for holdings in by_part]
        verdicts = [
            opinion.verdict if opinion else Verdict.DOES_NOT_HOLD  # it looks for something else
            for opinion in opinions
        ]
        verdict = all_of(verdicts) if self._needs_all else any_of(verdicts)
        own = [
            opinion for opinion in opinions if opinion is not None and opinion.subject == subject
        ]
        # shown and scored as the first part that holds for the subject itself
        shown = next((opinion for opinion in own if opinion.holds), own[0])
        against = (each for each in opinions if each and each.verdict is Verdict.DOES_NOT_HOLD)
        basis = next(against, shown).basis
        return replace(shown, verdict=verdict, basis=basis)


def _own(memory: Memory, number: int) -> Memory:
    """Return one part's share of the memory."""
    own: Memory = memory.setdefault(f"part {number}", {})
    return own


def _opinion(subject: SubjectKey, holdings: list[Holding]) -> Holding | None:
    """Return what one part says of a subject; of the place, where it says nothing of the subject."""
    return next(
        (holding for holding in holdings if holding.subject == subject),
        next((holding for holding in holdings if isinstance(holding.subject, Place)), None),
    )
