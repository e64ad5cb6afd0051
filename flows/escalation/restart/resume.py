"""Go on after an interruption: offences as the log has them, and their subjects found again or given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from domain.cameras.messages import trouble
from domain.events.catalog import Event
from domain.site.ladders import Ladder
from domain.site.rules import Rule
from domain.tracks import Track
from flows.conditions.condition import Holding
from flows.conditions.verdict import Verdict
from flows.escalation.moves import OffenceBook, in_order
from flows.escalation.restart.replay_log import adopt
from flows.escalation.stays.offence import Offence
from flows.escalation.stays.stay import OffenceKey, Stay
from flows.tracking.matching import NEVER, assign, overlaps

# boxes of one who stands still; numbers do not outlast a pause of some seconds, places do
SAME_PLACE_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Search:
    """Say how long those who were there at an interruption are looked for."""

    began_at: datetime  # the first frame after it
    gap: timedelta  # of looking, from then on
    away: timedelta  # between when they were last seen and that first frame
    broken_at: datetime | None = (
        None  # how long it was from what lies before until then, nobody knows
    )

    def is_broken(self, offence: Offence) -> bool:
        """Tell whether nobody can say how long ago the subject was last seen."""
        return self.broken_at is not None and offence.stay.last_seen_at < self.broken_at

    def given_up(self, offences: Mapping[OffenceKey, Offence], at: datetime) -> list[OffenceKey]:
        """Return the subjects of whom nobody can say any more whether they have left."""
        looked_long = at - self.began_at > self.gap
        # whatever the log holds of other footage may as well lie in the future
        return [
            subject
            for subject, offence in offences.items()
            if offence.stay.is_missing
            and (
                looked_long
                or self.is_broken(offence)
                or abs(self.began_at - offence.stay.last_seen_at) > self.away
            )
        ]


class Resumption:
    """Bring one rule's book of offences through an interruption."""

    def __init__(self, book: OffenceBook, rule: Rule, ladder: Ladder) -> None:
        self._book = book
        self._ladder = ladder
        self._gap = timedelta(seconds=rule.gap_tolerance_s)
        self._away = max(self._gap, timedelta(seconds=rule.restart_tolerance_s))
        self._search: Search | None = None  # None: the search begins with the next frame
        self._broken_at: datetime | None = None

    def adopt(self, stories: Mapping[str, Sequence[Event]], broken_at: datetime | None) -> None:
        """Bring every offence to where its story in the log ends; then it has to be found again.

        Args:
            stories: as `RuleLadder.adopt` takes them.
            broken_at: as `RuleLadder.adopt` takes it.
        """
        book = self._book
        self._broken_at, self._search = broken_at, None
        book.offences = adopt(book.offences, stories, book.id_of, self._ladder, book.repeats)

    def give_up_missing(self, at: datetime) -> list[Event]:
        """End the offences of those who were there at an interruption and were not found in time."""
        book = self._book
        events: list[Event] = []
        if self._search is None:  # the first frame
            self._search = Search(at, self._gap, self._away, self._broken_at)
            book.repeats.forget_the_future(at)
        for subject in in_order(self._search.given_up(book.offences, at)):
            offence = book.offences[subject]
            away_s = (at - offence.stay.last_seen_at).total_seconds()
            is_known = away_s >= 0 and not self._search.is_broken(offence)
            why = ("restarted", {"silent_s": away_s}) if is_known else ("clock_unknown", {})
            events += book.lose(subject, trouble(why[0], **why[1]))
        return events


def find_again(offences: dict[OffenceKey, Offence], seen: Mapping[OffenceKey, Holding]) -> None:
    """Go on with offences whose subjects are seen; those with a new number get that number.

    Args:
        offences: of one rule, by subject; changed in place.
        seen: what the rule's condition says of everybody in this frame, by subject.
    """
    missing = [subject for subject, offence in offences.items() if offence.stay.is_missing]
    for subject in missing:
        if subject in seen and seen[subject].is_seen:
            offences[subject].stay.is_missing = False
    unseen = [subject for subject in missing if offences[subject].stay.is_missing]
    newcomers = [
        holding
        for holding in seen.values()
        # who settles or is half hidden stands there as well
        if holding.verdict is not Verdict.DOES_NOT_HOLD
        and isinstance(holding.subject, Track)
        and holding.subject not in offences
    ]
    if not unseen or not newcomers:
        return
    for row, column in _same_places([offences[subject].stay for subject in unseen], newcomers):
        number = newcomers[column].subject
        offence = offences[number] = offences.pop(unseen[row])
        offence.stay.number, offence.stay.is_missing = number, False


def _same_places(missing: list[Stay], newcomers: list[Holding]) -> list[tuple[int, int]]:
    """Return (row, column) of those who stand where the missing stood."""
    last = np.array([stay.last.box_xyxy for stay in missing])
    costs = 1 - overlaps(last, np.array([holding.box_xyxy for holding in newcomers]))
    elsewhere = [[a.place_id != b.place_id for b in newcomers] for a in missing]
    costs[np.array(elsewhere)] = NEVER
    return assign(costs, 1 - SAME_PLACE_IOU)
