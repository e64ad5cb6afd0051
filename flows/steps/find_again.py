"""Who was there when the watch program was interrupted: found again in its first frames, or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from flows.conditions.condition import Holding
from flows.steps.offence import Offence
from flows.subjects.matching import NEVER, assign, overlaps

# boxes of one who stands still; numbers do not outlast a pause of some seconds, places do
SAME_PLACE_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Search:
    """How long those who were there at an interruption are looked for."""

    began_at: datetime  # the first frame after it
    gap: timedelta  # of looking, from then on
    away: timedelta  # between when they were last seen and that first frame

    def given_up(self, offences: Mapping[str, Offence], at: datetime) -> list[str]:
        """Subjects of whom nobody can say any more whether they have left: they were not watched."""
        looked_long = at - self.began_at > self.gap
        # whatever the log holds of other footage may as well lie in the future
        return [
            subject
            for subject, offence in offences.items()
            if offence.is_missing
            and (looked_long or abs(self.began_at - offence.last_seen_at) > self.away)
        ]


def find_again(offences: dict[str, Offence], seen: Mapping[str, Holding]) -> None:
    """Go on with offences whose subjects are seen; those with a new number get that number.

    Args:
        offences: of one rule, by subject; changed in place.
        seen: what the rule's condition says of everybody in this frame, by subject.
    """
    missing = [subject for subject, offence in offences.items() if offence.is_missing]
    for subject in missing:
        if subject in seen:
            offences[subject].is_missing = False
    unseen = [subject for subject in missing if offences[subject].is_missing]
    newcomers = [
        holding
        for holding in seen.values()
        if holding.holds and holding.subject.isdigit() and holding.subject not in offences
    ]
    if not unseen or not newcomers:
        return
    for row, column in _same_places([offences[subject] for subject in unseen], newcomers):
        number = newcomers[column].subject
        offence = offences[number] = offences.pop(unseen[row])
        offence.number, offence.is_missing = number, False


def _same_places(missing: list[Offence], newcomers: list[Holding]) -> list[tuple[int, int]]:
    """(row, column) of those who stand where the missing stood."""
    last = np.array([offence.last.box_xyxy for offence in missing])
    costs = 1 - overlaps(last, np.array([holding.box_xyxy for holding in newcomers]))
    elsewhere = [[a.place_id != b.place_id for b in newcomers] for a in missing]
    costs[np.array(elsewhere)] = NEVER
    return assign(costs, 1 - SAME_PLACE_IOU)
