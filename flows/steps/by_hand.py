"""What an operator's command does to an offence, or why it does nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.commands import CommandKind, Refusal
from domain.events import ByHand
from domain.fitness import explain
from domain.ladder import OPEN, State, Trigger
from domain.operators import OperatorSettings
from domain.rungs import Ladder
from flows.steps.call_words import spoken_without_recordings
from flows.steps.offence import Offence
from flows.steps.take_up import Pending

OWN_WORDS = "own-words"

_TRIGGERS = {
    CommandKind.TAKE_OVER: Trigger.TAKEN_OVER,
    CommandKind.SPEAK: Trigger.OPERATOR_SPEAKS,
    CommandKind.DISMISS: Trigger.DISMISSED,
    CommandKind.DISPATCH: Trigger.DISPATCHED,
}

Refused = tuple[Refusal, str]  # why, and the facts of this case


@dataclass(frozen=True, slots=True)
class Deed:
    """A command that is carried out: the move that it makes, and what its event says."""

    trigger: Trigger
    by_hand: ByHand
    details: dict[str, Any] = field(default_factory=dict)


def judge(
    pending: Pending,
    offence: Offence | None,
    operators: OperatorSettings,
    ladder: Ladder,
    unfit: tuple[str, ...],
    at: datetime,
) -> Deed | Refused:
    """Whether a command can be carried out now.

    Args:
        offence: None: there is none of that id (any more).
        unfit: codes of domain/fitness.py for which nothing may be said; () if it may.
        at: event time.
    """
    given = pending.given
    if offence is None:
        return Refusal.ENDED, ""
    if offence.state not in OPEN:
        return Refusal.ENDED, offence.state.value
    refused = _why_not(pending, offence, operators, ladder, unfit, at)
    if refused is not None:
        return refused
    by_hand = ByHand(
        command_id=pending.event.id,
        command=given.command,
        operator=given.operator,
        reason=given.reason,
        asked_at=given.asked_at,
        despite=given.despite,
        person=given.person,
    )
    if given.command is CommandKind.HAND_BACK:
        return Deed(back_to_the_ladder(offence), by_hand)
    details = _words(pending, operators, ladder) if given.command is CommandKind.SPEAK else {}
    return Deed(_TRIGGERS[given.command], by_hand, details)


def back_to_the_ladder(offence: Offence) -> Trigger:
    """The trigger that hands an offence back, wherever it had come to."""
    return Trigger.HANDED_BACK_WARNED if offence.is_warned else Trigger.HANDED_BACK


def _why_not(
    pending: Pending,
    offence: Offence,
    operators: OperatorSettings,
    ladder: Ladder,
    unfit: tuple[str, ...],
    at: datetime,
) -> Refused | None:
    given, holder = pending.given, offence.taken_by
    match given.command:
        case CommandKind.TAKE_OVER:
            if holder and holder not in (given.operator, given.taking_from):
                return Refusal.TAKEN_BY_ANOTHER, holder
        case CommandKind.HAND_BACK:
            if offence.state is not State.TAKEN_OVER:
                return Refusal.NOT_TAKEN_OVER, ""
        case CommandKind.DISPATCH:
            for act in offence.operators_did:
                if act.command is CommandKind.DISPATCH:
                    return Refusal.ALREADY_DISPATCHED, f"by {act.operator}: {act.reason}"
        case CommandKind.SPEAK:
            if pending.speak_by is not None and at > pending.speak_by:
                return Refusal.TOO_LATE, f"asked at {given.asked_at.isoformat()}"
            if unfit:
                return Refusal.NOT_FIT, explain(unfit)
            if given.words is not None and not operators.free_words:
                return Refusal.NO_FREE_WORDS, ""
            if given.text_id and operators.text(given.text_id) is None:
                known = ", ".join(each.id for each in operators.texts) or "none"
                return Refusal.NO_SUCH_TEXT, f"{given.text_id}; there are: {known}"
            is_rung = given.words is None and not given.text_id
            left = ladder.rungs[offence.next_rung :]
            if is_rung and not (left and left[0].announces):
                return Refusal.NOTHING_LEFT, f"next: {left[0].id if left else 'none'}"
    return None


def _words(pending: Pending, operators: OperatorSettings, ladder: Ladder) -> dict[str, Any]:
    """Words that are no rung; {}: the next rung's."""
    given = pending.given
    text = given.words or operators.text(given.text_id)
    if text is None:
        return {}
    return {
        "rung_id": given.text_id or OWN_WORDS,
        "rung_number": 0,
        "text": text,
        "languages": spoken_without_recordings(ladder),
        "recordings": (),
    }
