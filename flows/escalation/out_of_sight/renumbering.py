"""Go on with a stay under another number, and undo it where it was somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from domain.events.catalog import CameOut
from domain.offence_states import FINAL
from domain.tracks import SubjectLink, Track
from flows.escalation.out_of_sight.coming_out import ComingOut
from flows.escalation.out_of_sight.outlook import Outlook
from flows.escalation.stays.offence import TOLD, Offence, Taken
from flows.escalation.stays.stay import OffenceKey

UNDO_WITHIN_S = 5.0  # if the number before comes back,
BACK_S = 0.5  # for longer than a box that flickers


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


def go_on(offences: dict[OffenceKey, Offence], pair: ComingOut, at: datetime) -> None:
    """Go on with a stay under the new number; what the newcomer has done so far is part of it."""
    young = offences.pop(pair.now, None)
    offence = offences[pair.now] = offences.pop(pair.was)
    stay = offence.stay
    offence.taken = Taken(
        pair.was.number,
        at,
        young.stay if young else None,
        stay.last,
        stay.last_seen_at,
        stay.whereabouts,
        stay.hidden,
        stay.unseen_s,
    )
    stay.mistakable_since = stay.last_seen_at if pair.is_one_of_many else None
    if young is not None:
        stay.take_in(young.stay)
    stay.number = pair.now
    if not pair.is_one_of_many:
        stay.went_by.append(pair.was)
    stay.came_out.append(
        CameOut(gap_s=max(pair.gap_s, 0.0), away=pair.away, similarity=pair.similarity)
    )


def give_back(offences: dict[OffenceKey, Offence], number: Track) -> Track:
    """Undo it: the stay is that of the number before, and the newcomer has one of their own.

    Returns:
        The number before.
    """
    offence = offences.pop(number)
    taken, stay = offence.taken, offence.stay
    assert taken is not None
    if taken.young is not None:
        taken.young.take_in(stay)
        offences[number] = Offence(taken.young)
    before = Track(taken.was)
    stay.number, offence.taken = before, None
    stay.last, stay.last_seen_at, stay.whereabouts = (
        taken.last,
        taken.last_seen_at,
        taken.whereabouts,
    )
    stay.hidden, stay.unseen_s, stay.unseen_since_s = taken.hidden, taken.unseen_s, 0.0
    stay.mistakable_since = None
    stay.track.drop_after(taken.last_seen_at)
    stay.came_out.pop()
    stay.went_by = [each for each in stay.went_by if each != before]
    back = offences.get(before)
    if back is not None:
        stay.take_in(back.stay)
    offences[before] = offence
    return before


def wrongly_taken(offences: Mapping[OffenceKey, Offence], outlook: Outlook) -> list[Track]:
    """Return whose number before is back: they were somebody else."""
    at = outlook.tracked.frame.captured_at
    wrong = []
    for number, offence in offences.items():
        taken = offence.taken
        if taken is None or not isinstance(number, Track):
            continue
        if at - taken.at > timedelta(seconds=UNDO_WITHIN_S):
            offence.taken = None
        elif taken.was in outlook.rows:
            taken.back_at = taken.back_at or at
            young = offences.get(Track(taken.was))
            is_told = young is not None and young.state in TOLD
            if not is_told and at - taken.back_at >= timedelta(seconds=BACK_S):
                wrong.append(number)
    return wrong


def _precedence(offence: Offence) -> tuple[bool, bool, bool, datetime]:
    """Return a key that puts first what goes on: told, over, in an operator's hands, older."""
    return (
        offence.state not in TOLD,
        offence.state not in FINAL,
        offence.hold is None,
        offence.stay.first.at,
    )
