"""Carry out operators' commands on the offences of one rule, each when its moment has come."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from domain.events.catalog import Event
from domain.events.commands import LONGEST_PAUSE_S, CommandKind, answer_id
from domain.events.refusals import refuse
from domain.offence_states import Trigger
from domain.picture_digest import PictureTrust
from domain.site.ladders import Ladder
from domain.site.operators import OperatorSettings
from flows.escalation.commands.command_intake import PendingCommand
from flows.escalation.commands.operator_commands import (
    AcceptedCommand,
    back_to_the_ladder,
    evaluate_command,
)
from flows.escalation.moves import OffenceBook
from flows.escalation.offence_writer import MoveDetails
from flows.escalation.stays.offence import Offence, OperatorHold

PAUSE = timedelta(seconds=LONGEST_PAUSE_S)
HANDED_BACK = (Trigger.HANDED_BACK, Trigger.HANDED_BACK_WARNED)


class HeldCommands:
    """Hold the commands whose moment has not come; `held` is saved with the ladder's state."""

    def __init__(self, book: OffenceBook, operators: OperatorSettings, ladder: Ladder) -> None:
        self._book = book
        self._operators = operators
        self._ladder = ladder
        self._hand_back_after = timedelta(seconds=operators.hand_back_after_s)
        self.held: list[PendingCommand] = []
        # the ladder of a live camera, which comes to no moment again: what is said to be still to come
        # was told by a clock that was ahead, and nobody should wait for an answer until it is there
        self._is_live = False

    def give(
        self, pending: PendingCommand, now: datetime | None, sight: PictureTrust
    ) -> list[Event]:
        """Take a command: it is carried out at once, or held; None: no frame has come yet."""
        if now is None or now < pending.not_before:
            self.held.append(pending)
            return []
        return self._carry_out(pending, now, sight)

    def take(self, at: datetime | None, sight: PictureTrust) -> list[Event]:
        """Carry out the commands that belong to this moment or before; None: all there are."""
        if not self.held:
            return []
        ripe = [each for each in self.held if at is None or self._is_live or each.not_before <= at]
        self.held = [each for each in self.held if each not in ripe]
        ripe.sort(key=lambda each: (each.not_before, each.order))
        return [
            event for each in ripe for event in self._carry_out(each, at or each.not_before, sight)
        ]

    def adopt(self, logged: Collection[str]) -> None:
        """Go on with a live camera; forget the commands whose answers have ids that are in the log."""
        self._is_live = True
        self.held = [each for each in self.held if answer_id(each.event.id) not in logged]

    def hand_back(self, offence: Offence, at: datetime) -> list[Event]:
        """Hand an offence back whose operator had it for as long as the site allows."""
        hold = offence.hold
        if hold is None or at - hold.since < self._hand_back_after:
            return []
        details: MoveDetails = {"cause": "time limit", "taken_by": hold.operator}
        return self._book.move(offence, back_to_the_ladder(offence), at, details)

    def _carry_out(self, pending: PendingCommand, at: datetime, sight: PictureTrust) -> list[Event]:
        """Make the move that a command asks for, or refuse it; either is its one answer."""
        offence = self._book.find(pending.given.offence_id)
        if offence is not None and offence.was_done(pending.event.id):
            return []  # before a restart; its answer was taken out of the log
        unfit = self._book.why_unfit(sight, at)
        answer = evaluate_command(pending, offence, self._operators, self._ladder, unfit, at)
        if offence is None or not isinstance(answer, AcceptedCommand):
            assert not isinstance(answer, AcceptedCommand)
            # a replay may come to another state than the one in which the command was carried out;
            # what stands in the log is not answered a second time
            return [] if pending.is_answered else [refuse(pending.event, *answer)]
        offence.note_by_hand(answer.by_hand, at)
        return self._book.move(
            offence, answer.trigger, at, self._details(pending, offence, answer, at)
        )

    def _details(
        self, pending: PendingCommand, offence: Offence, answer: AcceptedCommand, at: datetime
    ) -> MoveDetails:
        """Return what the event says of the command; who takes over has the offence from here on."""
        details: MoveDetails = {"by_hand": answer.by_hand}
        holder = offence.hold.operator if offence.hold else ""
        if answer.trigger is Trigger.TAKEN_OVER:
            details |= {"taken_from": holder, "hand_back_at": at + self._hand_back_after}
            offence.hold = OperatorHold(answer.by_hand.operator, at)
        elif answer.trigger is Trigger.PAUSED:
            details |= {"paused_until": at + PAUSE}
        elif answer.by_hand.command is CommandKind.LEFT:
            details |= {"basis": "an operator saw it"}
        elif answer.trigger in HANDED_BACK:
            details |= {"cause": "operator", "taken_by": holder}
        elif answer.own_words is not None:
            details |= answer.own_words
            if pending.given.text_id:
                details["text"] = self._book.writer.words(details["text"], offence, at)
        return details
