"""End the stays of those who are unseen for too long: left, unknown, or hidden and not at an end yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from domain.cameras.messages import trouble
from domain.events.catalog import Event
from domain.fitness import Unfit, explain_to_all
from domain.offence_states import State, Trigger
from domain.picture_digest import PictureTrust
from domain.tracks import Track
from flows.conditions.condition import Holding
from flows.conditions.lately_inside import TIMES_SEEN, TOLERANCE_S
from flows.escalation.moves import OffenceBook
from flows.escalation.out_of_sight.outlook import Outlook
from flows.escalation.schedule import EscalationSchedule
from flows.escalation.stays.offence import Offence
from flows.escalation.stays.stay import OffenceKey, OutOfSight


class UnseenStays:
    """Judge the unseen of one rule."""

    def __init__(self, book: OffenceBook, schedule: EscalationSchedule, gap: timedelta) -> None:
        self._book = book
        self._schedule = schedule
        self._gap = gap

    def end_interrupted(
        self,
        seen: Mapping[OffenceKey, Holding],
        at: datetime,
        sight: PictureTrust,
        outlook: Outlook | None,
    ) -> list[Event]:
        """Judge the gap of those who are seen now, but were unseen for longer than the rule tolerates.

        Args:
            seen: what the condition says of everybody seen now, by subject.
            at: event time.
            sight: of the last picture in which they might have been seen.
            outlook: as `RuleLadder.step` takes it.
        """
        return [
            event
            for subject in self._book.in_order()
            if subject in seen
            and seen[subject].is_seen
            and self._schedule.is_gone(self._book.offences[subject].stay, at)
            for event in self.end(subject, at, sight, outlook)
        ]

    def end(
        self, subject: OffenceKey, at: datetime, sight: PictureTrust, outlook: Outlook | None
    ) -> list[Event]:
        """End the stay of somebody unseen for too long, unless they may be there and are only hidden.

        As unknown where the picture may hide them, or they were hidden for too long.
        """
        offence = self._book.offences[subject]
        stay = offence.stay
        if sight.is_doubtful(stay.place_id):
            return []  # a moment later it is known whether the picture hides them
        hidden_by = sight.faults or tuple(filter(None, [sight.unfit_areas.get(stay.place_id)]))
        if not hidden_by and sight.hides(stay.last_place):
            hidden_by = (Unfit.PARTLY_COVERED,)  # seen last outside the zone, or only in part
        if hidden_by:
            since = sight.unfit_since.get(stay.place_id)
            return self._book.lose(subject, explain_to_all(hidden_by), since)
        if not isinstance(subject, Track):
            return self._end_of_place(subject, at)
        last = stay.whereabouts
        is_new = stay.hidden is None or stay.hidden.is_followed
        if is_new and outlook is not None and last is not None:
            # too weakly for the rule, but the tracker has them: where they go, it will show
            is_followed = at - last.at <= self._gap
            is_outside = stay.outside_since is not None
            if not is_followed and outlook.was_on_the_way_out(subject, last, is_outside=is_outside):
                return self._book.leave(
                    subject, at, stay.basis if is_outside else "last seen on the way out"
                )
            in_a_group = outlook.was_in_a_group(subject, last)
            stay.hidden = OutOfSight(stay.last_seen_at, in_a_group, is_followed)
        if at - stay.last_seen_at <= tolerance(offence, self._gap):
            return []
        in_a_group = stay.hidden is not None and stay.hidden.in_a_group
        why = "hidden_in_a_group" if in_a_group else "hidden"
        unseen_s = (at - stay.last_seen_at).total_seconds()
        return self._book.lose(subject, trouble(why, unseen_s=unseen_s), trigger=Trigger.HIDDEN)

    def _end_of_place(self, subject: OffenceKey, at: datetime) -> list[Event]:
        """End the stay of a place, unless it is not known only because of who may be hidden there."""
        offence = self._book.offences[subject]
        stay = offence.stay
        if stay.is_unjudged:
            stay.hidden = stay.hidden or OutOfSight(stay.last_seen_at, in_a_group=False)
            if at - stay.last_seen_at <= tolerance(offence, self._gap):
                return []
        return self._book.lose(subject, trouble("not_judged"))


def tolerance(offence: Offence, gap: timedelta) -> timedelta:
    """Return for how long somebody may be hidden.

    A stay that is no offence yet waits by how long it was seen: else two boxes around nobody, half a
    minute apart, would make one.
    """
    longest = timedelta(seconds=TOLERANCE_S)
    if offence.state is State.SUSPECTED:
        longest = min(longest, timedelta(seconds=TIMES_SEEN * offence.stay.seen_s))
    return max(longest, gap)
