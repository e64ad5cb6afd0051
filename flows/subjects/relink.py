"""Is somebody who just came the same as somebody who was here before?

Only colours can say so after a gap, and colours are weak evidence: so it takes clear views of
both, a likeness beyond what two people usually have, and nobody else who looks nearly as alike.
In doubt the answer is no: two numbers for one person cost a second warning, one number for two
people makes one pay for the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.tracks import LinkKind
from flows.subjects.matching import similarities
from flows.subjects.settings import SubjectSettings
from flows.subjects.subject import Subject

PERSON = 1


@dataclass(frozen=True, slots=True)
class Found:
    """An earlier subject, and how sure it is."""

    earlier: Subject
    how: LinkKind
    similarity: float
    margin: float  # of similarity, to the next best; 1 where there was no other


def find_earlier(
    subject: Subject, lost: Sequence[Subject], settings: SubjectSettings
) -> Found | None:
    """The one of the lost that the subject is, or None.

    Args:
        lost: numbered subjects that are not seen now; who was seen after the subject came is
            somebody else, whatever they look like.
    """
    if subject.looks is None or subject.kind != PERSON:
        return None
    candidates = [
        each
        for each in lost
        if each.last_s < subject.first_s and each.kind == PERSON and each.looks is not None
    ]
    if not candidates:
        return None
    alike = similarities(candidates, subject.looks[None], 1)[:, 0]
    order = np.argsort(-alike, kind="stable")
    best = candidates[int(order[0])]
    similarity = float(alike[order[0]])
    margin = similarity - float(alike[order[1]]) if len(order) > 1 else 1.0
    if margin < settings.margin:
        return None
    if _is_after_occlusion(subject, best, similarity, settings):
        return Found(best, "occlusion", similarity, margin)
    if _is_return(subject, best, similarity, settings):
        return Found(best, "return", similarity, margin)
    return None


def _is_after_occlusion(
    subject: Subject, earlier: Subject, similarity: float, settings: SubjectSettings
) -> bool:
    if subject.first_s - earlier.last_s > settings.occlusion_s:
        return False
    if min(subject.sightings, earlier.sightings) < settings.occlusion_sightings:
        return False
    x, y, variance = earlier.foresee(subject.first_s, settings)
    away = np.hypot(subject.begin_x - x, subject.begin_y - y) / earlier.height
    reachable = away <= 3 * variance**0.5
    return bool(reachable and similarity >= settings.occlusion_similarity)


def _is_return(
    subject: Subject, earlier: Subject, similarity: float, settings: SubjectSettings
) -> bool:
    if subject.first_s - earlier.last_s > settings.repeat_window_s:
        return False
    if min(subject.sightings, earlier.sightings) < settings.repeat_sightings:
        return False
    away = np.hypot(subject.x - earlier.place_x, subject.y - earlier.place_y) / subject.height
    is_near = away <= settings.near
    least = settings.repeat_similarity if is_near else settings.repeat_similarity_elsewhere
    return similarity >= least
