"""Remember people who are out of sight for as long as they can come back, and how alike strangers are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import PositiveInt

from flows.tracking.likelihood import KINDS, LikenessKind, UsualLikeness
from flows.tracking.settings import SubjectSettings
from flows.tracking.subject import Subject


@dataclass(slots=True)
class SubjectState:
    """Hold what a restart needs; under 2 KB for each subject."""

    next_number: PositiveInt = 1
    here: list[Subject] = field(default_factory=list)  # seen a moment ago, unnamed ones included
    gone: list[Subject] = field(default_factory=list)  # named, unseen for longer; oldest first
    # by the kind of likeness; states of older programs have none, and begin with what is usual elsewhere
    usual: dict[str, UsualLikeness] = field(default_factory=dict)

    def usually(self, kind: LikenessKind) -> UsualLikeness:
        """Return how alike strangers are here, to be read or to be added to."""
        return self.usual.setdefault(kind.name, UsualLikeness())


def forget(
    state: SubjectState,
    at_s: float,
    settings: SubjectSettings,
    kinds: Sequence[LikenessKind] = KINDS,
) -> None:
    """Drop what is too old: what people look like must not outlive its use."""
    here: list[Subject] = []
    left: list[Subject] = []
    for each in state.here:
        patience_s = settings.direct_gap_s if each.number else settings.forget_unnamed_after_s
        (here if at_s - each.last_s <= patience_s else left).append(each)
    state.here = here
    for each in left:
        if each.number and each.looks is not None:
            state.gone.append(each)
            for kind in kinds:
                _note_strangers(state, each, kind)
    state.gone = [each for each in state.gone if at_s - each.last_s <= _keep_s(each, settings)]
    del state.gone[: -settings.max_remembered]


def _keep_s(subject: Subject, settings: SubjectSettings) -> float:
    can_return = subject.sightings >= settings.repeat_sightings
    return max(settings.occlusion_s, settings.repeat_window_s if can_return else 0.0)


def _note_strangers(state: SubjectState, leaver: Subject, kind: LikenessKind) -> None:
    """Remember how alike somebody who left is to those who were there at the same time."""
    least = kind.enough_views
    others = [
        each
        for each in state.here
        if each.number
        and each.kind == leaver.kind
        and each.first_s <= leaver.last_s <= each.last_s
        and kind.views(each) >= least
    ]
    if others and kind.views(leaver) >= least:
        for similarity in kind.alike(others, [leaver])[:, 0].tolist():
            state.usually(kind).note(similarity)
