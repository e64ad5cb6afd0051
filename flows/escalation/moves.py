"""Make the moves of one rule's offences: the table's move, its event, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from domain.base import BothLanguages
from domain.cameras.messages import trouble
from domain.events.catalog import Event, LeavingBasis
from domain.offence_states import FINAL, State, Trigger, find_move
from domain.picture_digest import PictureTrust
from domain.tracks import order_of
from flows.camera_health.warn_gate import WarnGate
from flows.escalation.offence_writer import MoveDetails, OffenceWriter
from flows.escalation.repeat_offenders import Repeats
from flows.escalation.stays.offence import Offence
from flows.escalation.stays.stay import OffenceKey

# what needs a camera that is fit to warn, and the move that is made where it is not
WITHHELD = {
    Trigger.RUNG_DUE: Trigger.RUNG_WITHHELD,
    Trigger.SILENT_RUNG_DUE: Trigger.RUNG_WITHHELD,
    Trigger.LADDER_SPENT: Trigger.ESCALATION_WITHHELD,
}


class OffenceBook:
    """Hold the offences of one rule on one camera, and make their moves.

    Whatever reads or moves them is handed this one book; `offences` may be set anew.
    """

    def __init__(
        self, writer: OffenceWriter, repeats: Repeats, gate: WarnGate | None = None
    ) -> None:
        self.writer = writer
        self.repeats = repeats
        self.offences: dict[OffenceKey, Offence] = {}
        self._gate = gate  # None: only what is wrong with the picture holds a rung back

    def id_of(self, offence: Offence) -> str:
        """Return the offence's id in events."""
        return self.writer.offence_id(offence.stay)

    def find(self, offence_id: str) -> Offence | None:
        """Return the offence of that id in events; None: there is none (any more)."""
        known = (each for each in self.offences.values() if self.id_of(each) == offence_id)
        return next(known, None)

    def in_order(self) -> list[OffenceKey]:
        """Return the subjects, tracks by number, then places by name: the same order on every run."""
        return in_order(self.offences)

    def why_unfit(self, sight: PictureTrust, at: datetime) -> tuple[str, ...]:
        """Return codes of domain/fitness.py for which nothing may be said or done at a moment; () if it may."""
        if self._gate is None:
            return sight.faults
        return self._gate.why_withheld(sight, self.writer.wall(at))

    def move(
        self,
        offence: Offence,
        trigger: Trigger,
        at: datetime,
        details: MoveDetails | None = None,
    ) -> list[Event]:
        """Make a move; return its event, if it has one."""
        move = find_move(offence.state, trigger)
        # an operator's own words say what they are called; a rung is named by the ladder
        offence.make(move, at, is_rung="rung_id" not in (details or {}))
        if move.after in FINAL:
            self.repeats.note_end(offence, at, self.id_of(offence))
        if move.event_type is None:
            return []
        event = self.writer.write(move, offence, at, details or {})
        offence.note_call(event)
        return [event]

    def move_if_fit(
        self, offence: Offence, trigger: Trigger, at: datetime, sight: PictureTrust
    ) -> list[Event]:
        """Make the move; of a camera that is not fit to warn, record once that it was withheld."""
        if trigger not in WITHHELD:
            return self.move(offence, trigger, at)
        reasons = self.why_unfit(sight, at)
        if not reasons:
            before = offence.escalation.call_before
            details: MoveDetails = {"call_before": before} if before else {}
            is_doubtful = self._gate.is_doubtful(sight) if self._gate else sight.is_in_doubt
            return [] if is_doubtful else self.move(offence, trigger, at, details)
        if not offence.escalation.note_withheld(reasons):
            return []
        move = find_move(offence.state, WITHHELD[trigger])
        return [self.writer.write_withheld(move, offence, at, reasons)]

    def leave(self, subject: OffenceKey, at: datetime, basis: LeavingBasis) -> list[Event]:
        """Forget a subject that has left; after a call that is compliance, whoever made it.

        Where it may have been somebody else who left, dressed alike, nobody can say.
        """
        if self.offences[subject].stay.is_mistakable(at):
            return self.lose(subject, trouble("not_told_apart"), trigger=Trigger.HIDDEN)
        offence = self.offences.pop(subject)
        if offence.state in FINAL:
            return []
        is_warned = offence.state is State.TAKEN_OVER and offence.escalation.is_warned
        trigger = Trigger.LEFT_WARNED if is_warned else Trigger.LEFT
        return self.move(offence, trigger, at, {"basis": basis})

    def lose(
        self,
        subject: OffenceKey,
        why: BothLanguages,
        since: datetime | None = None,
        trigger: Trigger = Trigger.SIGHT_LOST,
    ) -> list[Event]:
        """Forget a subject; end its offence as unknown: nobody can say any more what it does.

        `since` is when the picture began to hide a place, which is known only a moment later; what
        was said in that moment stands.
        """
        offence = self.offences.pop(subject)
        if offence.state in FINAL:
            return []
        details: MoveDetails = {"reason": why.en, "reason_zh": why.zh}
        at = offence.stay.last.at
        if since is not None and offence.stay.is_of_the_place:
            at = min(at, max(since, offence.escalation.waits_since or since))
        return self.move(offence, trigger, at, details)

    def lose_all(self, why: BothLanguages) -> list[Event]:
        """End all offences as unknown and drop all other stays: nobody is watching any more."""
        return [event for subject in self.in_order() for event in self.lose(subject, why)]


def in_order(subjects: Iterable[OffenceKey]) -> list[OffenceKey]:
    """Sort tracks by number, then places by name."""
    return sorted(subjects, key=order_of)
