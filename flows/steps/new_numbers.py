"""Somebody is recognised: the stay under the new number is the one under the old number."""

from __future__ import annotations

from domain.events import Recognition
from domain.ladder import State
from domain.tracks import SubjectLink
from flows.steps.offence import Offence

# states that events have told of
TOLD = frozenset(State) - {State.SUSPECTED, State.DROPPED}


def renumber(offences: dict[str, Offence], link: SubjectLink) -> None:
    """Who was told under a new number turns out to be one seen before: their stay goes on.

    Args:
        offences: of one rule, by subject; changed in place.
    """
    now, was = str(link.track_id), str(link.was)
    young = offences.get(was)
    if young is None:
        return
    if now not in offences:
        offences[now] = offences.pop(was)
        young.number = now
    elif young.state not in TOLD:
        del offences[was]  # the stay under the old number never ended


def note_recognition(offences: dict[str, Offence], link: SubjectLink) -> None:
    """Put on record how sure the match was, before an offence tells of it."""
    offence = offences.get(str(link.track_id))
    if offence is not None and offence.state not in TOLD:
        offence.recognition = Recognition(
            how=link.how, gap_s=link.gap_s, similarity=link.similarity, margin=link.margin
        )
