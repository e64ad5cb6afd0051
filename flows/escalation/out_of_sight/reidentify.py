"""Go on with a stay under its old number when somebody is recognised."""

from __future__ import annotations

from datetime import datetime

from domain.events.catalog import Recognition
from domain.offence_states import FINAL, State
from domain.tracks import SubjectLink, SubjectMatch, Track
from flows.escalation.stays.offence import Offence
from flows.escalation.stays.stay import OffenceKey

# states that events have told of
TOLD = frozenset(State) - {State.SUSPECTED, State.DROPPED}


def renumber(offences: dict[OffenceKey, Offence], link: SubjectLink) -> Offence | None:
    """Go on with the stay of somebody who came under a new number and was seen before.

    Args:
        link: the new number and the old one.
        offences: of one rule, by subject; changed in place.
    Returns:
        The offence that ends, for the subject has another one; None: none that events tell of ends.
    """
    now, was = Track(link.track_id), Track(link.was)
    other = offences.pop(was, None)
    if other is None:
        return None
    other.stay.number = now
    one = offences.setdefault(now, other)
    if one is other:
        return None
    goes_on, ends = sorted((one, other), key=_precedence)
    offences[now] = goes_on
    goes_on.take_in(ends)
    return ends if ends.state in TOLD - FINAL else None


def _precedence(offence: Offence) -> tuple[bool, bool, bool, datetime]:
    """Return a key that puts first what goes on: told, over, in an operator's hands, older."""
    return (
        offence.state not in TOLD,
        offence.state not in FINAL,
        offence.hold is None,
        offence.stay.first.at,
    )


def recognition_by(
    match: SubjectMatch, camera_id: str, earlier_offence_id: str = ""
) -> Recognition:
    """Return what an event says of a match."""
    return Recognition(
        how=match.how,
        gap_s=match.gap_s,
        similarity=match.similarity,
        margin=match.margin,
        error=match.error,
        verdict="same" if match.is_sure else "perhaps",
        earlier_subject_id=f"{camera_id}/{match.number}",
        earlier_offence_id=earlier_offence_id,
        by=match.by,
    )
