"""Decide whether somebody who just came is somebody who was here before, and how sure that is.

Only looks can say so after a gap, and looks are weak evidence. So everybody who was seen lately is asked how
alike they are, those present included; and the answer is a chance of error, not a similarity. In doubt a
person gets a new number: two numbers for one person cost a second warning, one number for two people makes
one pay for the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.tracks import LinkKind
from flows.tracking.likelihood import LikenessKind, UsualLikeness, likelihood_ratio
from flows.tracking.settings import SubjectSettings
from flows.tracking.subject import Subject
from flows.tracking.ways_out import was_walking_out

PERSON = 1


@dataclass(frozen=True, slots=True)
class BestMatch:
    """Name an earlier subject, and how sure it is."""

    earlier: Subject
    how: LinkKind
    similarity: float
    margin: float  # of similarity: to whoever else looks most alike, or as strangers do
    lead: float  # of similarity: before the next of those who are out of sight
    error: float  # chance that it is somebody else, in [0, 1]

    def is_sure(self, settings: SubjectSettings) -> bool:
        """Tell whether the number may go on: hardly ever wrong."""
        if self.how == "occlusion":
            return self.error <= settings.occlusion_error and self.lead >= settings.margin
        return self.error <= settings.return_error and self.margin >= settings.margin

    def is_worth_saying(self, settings: SubjectSettings) -> bool:
        """Tell whether they are perhaps the same: more likely than not, and nobody looks more alike."""
        return self.error <= settings.perhaps_error and (self.margin >= 0 or self.is_sure(settings))


def best_match(
    subject: Subject,
    lost: Sequence[Subject],
    present: Sequence[Subject],
    parts_xyxy: np.ndarray,
    usual: UsualLikeness,
    kind: LikenessKind,
    settings: SubjectSettings,
) -> BestMatch | None:
    """Return whom of the lost the subject most probably is; None: there is nobody it could be.

    Args:
        subject: who came.
        lost: numbered subjects that are not seen now.
        present: those that are, who are somebody else, whatever they look like.
        parts_xyxy: (k, 4) what is looked at of the picture, pixels.
        usual: how alike strangers are before this camera.
        kind: by which likeness they are compared.
        settings: what a comparison needs, and how many come back.
    """
    if subject.kind != PERSON or not kind.views(subject):
        return None
    known = [each for each in (*lost, *present) if each.kind == PERSON and kind.views(each)]
    # who was seen after the subject came is somebody else, too
    away = {id(each) for each in lost if each.last_s < subject.first_s}
    ways = [
        _way_back(subject, each, parts_xyxy, kind, settings) if id(each) in away else None
        for each in known
    ]
    if not any(ways):
        return None
    alike, chances = kind.alike(known, subject), _prior_chances(ways, settings)
    new = 1 - float(chances.sum())
    for row in np.flatnonzero(chances).tolist():
        others = alike[_is_other(known, row)]
        chances[row] *= likelihood_ratio(
            float(alike[row]),
            kind,
            usual,
            says=min(kind.says(subject), kind.says(known[row])),
            as_alike=int((others >= alike[row] - settings.margin).sum()),
            asked=len(others),
        )
    best = int(chances.argmax())
    how, is_other = ways[best], _is_other(known, best)
    assert how is not None
    # who was perhaps the same already is no rival
    probably = float(chances[~is_other].sum() / (chances.sum() + new))
    stranger = max(usual.typical(kind), float(alike[is_other].max(initial=-1)))
    is_rival = is_other & np.array([id(each) in away for each in known])
    rival, similarity = float(alike[is_rival].max(initial=-1)), float(alike[best])
    return BestMatch(
        known[best], how, similarity, similarity - stranger, similarity - rival, 1 - probably
    )


def _prior_chances(ways: Sequence[LinkKind | None], settings: SubjectSettings) -> np.ndarray:
    """Return how probable each is before anybody was looked at, (n,); what lacks to 1 is somebody new."""
    hidden = np.array([way == "occlusion" for way in ways])
    returning = np.array([way == "return" for way in ways])
    left = 1.0
    chances = np.zeros(len(ways))
    if hidden.any():
        chances[hidden] = settings.hidden_share / hidden.sum()
        left -= settings.hidden_share
    if returning.any():
        chances[returning] = left * settings.returning_share / returning.sum()
    return chances


def _is_other(known: Sequence[Subject], row: int) -> np.ndarray:
    """Tell who is not that one, (n,) bool; nor is who was perhaps the same."""
    one = known[row]
    return np.array(
        [
            each is not one and one.number != each.may_be and each.number != one.may_be
            for each in known
        ]
    )


def _way_back(
    subject: Subject,
    earlier: Subject,
    parts_xyxy: np.ndarray,
    kind: LikenessKind,
    settings: SubjectSettings,
) -> LinkKind | None:
    """Return how the earlier one could have become the subject; None: too little is known of them."""
    views = min(kind.views(subject), kind.views(earlier))
    gap_s = subject.first_s - earlier.last_s
    if (
        gap_s <= settings.occlusion_s
        and views >= settings.occlusion_sightings
        and _could_be_hidden(subject, earlier, parts_xyxy, settings)
    ):
        return "occlusion"
    if gap_s <= settings.repeat_window_s and views >= kind.enough_views:
        return "return"
    return None


def _could_be_hidden(
    subject: Subject, earlier: Subject, parts_xyxy: np.ndarray, settings: SubjectSettings
) -> bool:
    """Tell whether somebody hidden all the time comes out there; who walked out was not hidden."""
    if was_walking_out(earlier, parts_xyxy, settings):
        return False
    gap_s = subject.first_s - earlier.last_s
    x, y, variance = earlier.foresee(subject.first_s, settings)
    away = float(np.hypot(subject.begin_x - x, subject.begin_y - y)) / earlier.height
    reach = settings.hidden_reach + settings.hidden_pace * gap_s
    return bool(away <= min(3 * variance**0.5, reach))
