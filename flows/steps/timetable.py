"""What a moment brings for one stay: the next rung, the last grace, or that the subject has left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from domain.ladder import State, Trigger
from domain.site import Ladder, Rule
from flows.steps.heard_calls import HeardCalls
from flows.steps.offence import Offence
from flows.steps.repeats import Repeats


class Timetable:
    """The times of one rule and its ladder, asked about one stay after the other."""

    def __init__(
        self, rule: Rule, ladder: Ladder, repeats: Repeats, heard: HeardCalls | None = None
    ) -> None:
        """Args:
        heard: what came of calls; None: pauses count from when they came due.
        """
        self._rule = rule
        self._ladder = ladder
        self._repeats = repeats
        self._heard = heard
        self._gap = timedelta(seconds=rule.gap_tolerance_s)

    def due(self, offence: Offence, at: datetime) -> Iterator[Trigger]:
        """Triggers that this moment brings, one after the other; the caller makes each move."""
        if offence.state is State.SUSPECTED and offence.stayed_s(at) >= self._rule.threshold_s:
            if self._repeats.is_cooling(offence.number, at):
                return
            self._know_repeater(offence, at)
            yield Trigger.THRESHOLD_REACHED
        if offence.state in (State.OPENED, State.WARNED):
            if offence.next_rung < len(self._ladder.rungs):
                # a repeater's first rung is due at once, whatever it waits for after another
                rung = self._ladder.rungs[offence.next_rung]
                is_first = bool(offence.first_rung) and not offence.rungs
                if is_first or self._is_over(offence, rung.after_s, at):
                    yield Trigger.RUNG_DUE if rung.announces else Trigger.SILENT_RUNG_DUE
            elif self._is_over(offence, self._ladder.escalate_after_s, at):
                is_exempt = self._rule.first_time_exempt and not offence.earlier_offences
                yield Trigger.LADDER_SPENT_FIRST_TIME if is_exempt else Trigger.LADDER_SPENT

    def basis_for_having_left(self, offence: Offence, at: datetime, *, is_seen: bool) -> str | None:
        """Why the subject counts as having left, as the event says it; None: it does not."""
        if is_seen and offence.outside_since is not None:
            if (at - offence.outside_since).total_seconds() >= self._ladder.comply_after_s:
                return "seen outside the zone"
        elif not (is_seen or offence.is_missing) and at - offence.last_seen_at > self._gap:
            return "no longer seen"
        return None

    def _is_over(self, offence: Offence, pause_s: float, at: datetime) -> bool:
        """Whether the pause before the next rung, or before the end of the ladder, is over."""
        assert offence.waits_since is not None
        if self._heard is None or offence.call is None:
            return (at - offence.waits_since).total_seconds() >= pause_s
        offence.call_before = self._heard.after_pause(
            offence.call, offence.waits_since, pause_s, at
        )
        return offence.call_before is not None

    def _know_repeater(self, offence: Offence, at: datetime) -> None:
        """Who offended within the window begins higher on the ladder."""
        offence.earlier_offences = self._repeats.earlier(offence.number, at)
        offence.first_rung = self._ladder.first_rung(offence.earlier_offences)
