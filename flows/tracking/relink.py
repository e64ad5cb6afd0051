"""Decide whether somebody who just came is somebody who was here before, and how sure that is.

Only looks can say so after a gap, and looks are weak evidence. So everybody who was seen lately is asked how
alike they are, those present included: where two are dressed alike, neither is known by their clothes, and the
answer is a chance of error, not a similarity. In doubt a person gets a new number: two numbers for one person
cost a second warning, one number for two people makes one pay for the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.tracks import LinkKind
from flows.tracking.likelihood import UsualLikeness, likelihood_ratio
from flows.tracking.seen_lately import SeenLately
from flows.tracking.settings import SubjectSettings
from flows.tracking.subject import Subject


@dataclass(frozen=True, slots=True)
class BestMatch:
    """Name an earlier subject, and how sure it is."""

    earlier: Subject
    how: LinkKind
    similarity: float
    margin: float  # of similarity: to whoever else looks most alike, or as strangers do
    error: float  # chance that it is somebody else, in [0, 1]

    def is_sure(self, settings: SubjectSettings) -> bool:
        """Tell whether the number may go on: hardly ever wrong, and nobody seen lately looks about as much like it."""
        is_hidden = self.how == "occlusion"
        least = settings.occlusion_error if is_hidden else settings.return_error
        return self.error <= least and self.margin >= settings.margin

    def is_worth_saying(self, settings: SubjectSettings) -> bool:
        """Tell whether they are perhaps the same: more likely than not, and nobody looks more alike."""
        return self.error <= settings.perhaps_error and self.margin >= 0


def best_match(
    subject: Subject, known: SeenLately, usual: UsualLikeness, settings: SubjectSettings
) -> BestMatch | None:
    """Return whom of those out of sight the subject most probably is; None: there is nobody it could be.

    Args:
        subject: who came, and has looks.
        known: everybody seen lately; those present are somebody else, whatever they look like.
        usual: how alike strangers are before this camera.
        settings: what a comparison needs, and how many come back.
    """
    asked = known.asked_about(subject)
    is_hidden, is_back = _ways_back(subject, known, asked, settings)
    candidates = np.flatnonzero(is_hidden | is_back)
    if not len(candidates):
        return None
    chances = np.zeros(len(known))
    chances[is_hidden] = settings.hidden_share / max(is_hidden.sum(), 1)
    returning = settings.returning_share * (1 - settings.hidden_share * is_hidden.any())
    chances[is_back] = returning / max(is_back.sum(), 1)
    new = 1 - float(chances.sum())
    alike, kind = known.alike(subject), known.kind
    as_alike, of = _rivals(known, asked, alike, candidates, settings.margin)
    chances[candidates] *= likelihood_ratio(
        alike[candidates],
        kind,
        usual,
        says=np.minimum(float(kind.says([subject])[0]), known.says[candidates]),
        as_alike=as_alike,
        asked=of,
    )
    best = int(chances.argmax())
    is_other = _is_other(known, asked, best)
    # who was perhaps the same already is no rival
    probably = float(chances[asked & ~is_other].sum() / (chances.sum() + new))
    stranger = max(usual.typical(kind), float(alike[is_other].max(initial=-1)))
    similarity, error = float(alike[best]), 1 - probably
    how: LinkKind = "occlusion" if is_hidden[best] else "return"
    if how == "return" and not is_other.any() and not usual.pairs:
        error = max(error, settings.unrivalled_error)
    return BestMatch(known.subjects[best], how, similarity, similarity - stranger, error)


def _ways_back(
    subject: Subject, known: SeenLately, asked: np.ndarray, settings: SubjectSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Tell who may have been hidden and come out as the subject, and who else may have come back; (n,) bool each."""
    # who was seen after the subject came is somebody else
    is_away = asked & known.is_lost & (known.last_s < subject.first_s)
    gap_s = subject.first_s - known.last_s
    views = np.minimum(known.kind.views(subject), known.views)
    is_hidden = is_away & (gap_s <= settings.occlusion_s) & (views >= settings.occlusion_sightings)
    near = np.flatnonzero(is_hidden)
    is_hidden[near] = known.could_be_hidden(subject, near)
    is_back = is_away & (gap_s <= settings.repeat_window_s) & (views >= known.kind.enough_views)
    return is_hidden, is_back & ~is_hidden


def _rivals(
    known: SeenLately, asked: np.ndarray, alike: np.ndarray, candidates: np.ndarray, margin: float
) -> tuple[np.ndarray, np.ndarray]:
    """Count for each candidate who else looks about as much like the subject, of how many; (k,) int each."""
    at_least = alike[candidates] - margin
    ranked = np.sort(alike[asked])
    count = len(ranked) - np.searchsorted(ranked, at_least) - 1  # but for the candidate
    of = np.full(len(candidates), len(ranked) - 1)
    # but for who is perhaps the same as the candidate
    for place in np.flatnonzero(_has_doubles(known, asked)[candidates]).tolist():
        others = alike[_is_other(known, asked, int(candidates[place]))]
        count[place], of[place] = (others >= at_least[place]).sum(), len(others)
    return count, of


def _has_doubles(known: SeenLately, asked: np.ndarray) -> np.ndarray:
    """Tell who is perhaps the same as somebody else who is asked about, (n,) bool."""
    numbers, may_be = known.numbers[asked], known.may_be[asked]
    return np.isin(known.may_be, numbers) | np.isin(known.numbers, may_be[may_be > 0])


def _is_other(known: SeenLately, asked: np.ndarray, row: int) -> np.ndarray:
    """Tell who of those asked about is not that one, (n,) bool; nor is who was perhaps the same."""
    number, may_be = known.numbers[row], known.may_be[row]
    is_other: np.ndarray = asked & (known.numbers != may_be) & (known.may_be != number)
    is_other[row] = False
    return is_other
