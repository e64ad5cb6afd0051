"""Decide what a moment brings for one stay: the next rung, the end of the ladder, or that it is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from domain.offence_states import State, Trigger
from domain.site.ladders import Ladder
from domain.site.rules import Rule
from flows.escalation.call_pauses import CallPauses
from flows.escalation.repeat_offenders import Repeats
from flows.escalation.stays.offence import Escalation, Offence
from flows.escalation.stays.stay import Stay


class EscalationSchedule:
    """Know the times of one rule and its ladder; asked about one stay after the other."""

    def __init__(
        self, rule: Rule, ladder: Ladder, repeats: Repeats, pauses: CallPauses | None = None
    ) -> None:
        """Take the times of a rule.

        Args:
            rule: its threshold and what gap it tolerates.
            ladder: its pauses.
            repeats: who was warned before.
            pauses: what came of calls; None: pauses count from when calls came due.
        """
        self._rule = rule
        self._ladder = ladder
        self._repeats = repeats
        self._pauses = pauses
        self._gap = timedelta(seconds=rule.gap_tolerance_s)

    def due(self, offence: Offence, at: datetime) -> Iterator[Trigger]:
        """Yield the triggers that this moment brings, one after the other; the caller makes each move."""
        stay, climb = offence.stay, offence.escalation
        if offence.state is State.SUSPECTED and stay.lasted_s(at) >= self._rule.threshold_s:
            if self._repeats.is_cooling(stay.number, at):
                return
            earlier = self._repeats.earlier(stay.number, at)
            climb.begin_at(self._ladder.first_rung(earlier), earlier)
            yield Trigger.THRESHOLD_REACHED
        if offence.state in (State.OPENED, State.WARNED) and not offence.is_paused(at):
            if climb.next_rung < len(self._ladder.rungs):
                # a repeater's first rung is due at once, whatever it waits for after another
                rung = self._ladder.rungs[climb.next_rung]
                if climb.is_repeaters_first_call or self._is_over(climb, rung.after_s, at):
                    yield Trigger.RUNG_DUE if rung.announces else Trigger.SILENT_RUNG_DUE
            elif self._is_over(climb, self._ladder.escalate_after_s, at):
                is_exempt = self._rule.first_time_exempt and not climb.earlier_offences
                yield Trigger.LADDER_SPENT_FIRST_TIME if is_exempt else Trigger.LADDER_SPENT

    def has_left(self, stay: Stay, at: datetime) -> bool:
        """Tell whether the condition did not hold for long enough, of a subject that is seen now."""
        return (
            stay.outside_since is not None
            and (at - stay.outside_since).total_seconds() >= self._ladder.comply_after_s
        )

    def is_gone(self, stay: Stay, at: datetime) -> bool:
        """Tell whether the subject was seen last longer ago than the rule tolerates."""
        return not stay.is_missing and at - stay.last_seen_at > self._gap

    def _is_over(self, climb: Escalation, pause_s: float, at: datetime) -> bool:
        """Tell whether the pause before the next rung, or before the end of the ladder, is over."""
        assert climb.waits_since is not None
        if self._pauses is None or climb.call is None:
            return (at - climb.waits_since).total_seconds() >= pause_s
        climb.call_before = self._pauses.after_pause(climb.call, climb.waits_since, pause_s, at)
        return climb.call_before is not None
