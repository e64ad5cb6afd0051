"""Decide what an operator's command does to an offence, or why it does nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain.events.catalog import ByHand
from domain.events.commands import MOST_PAUSES, CommandKind, Refusal
from domain.fitness import explain
from domain.offence_states import OPEN, State, Trigger
from domain.site.ladders import Ladder
from domain.site.operators import OperatorSettings
from flows.escalation.commands.command_intake import PendingCommand
from flows.escalation.offence_writer import MoveDetails
from flows.escalation.stays.offence import Offence
from flows.speech.voice.wording import spoken_without_recordings

OWN_WORDS = "own-words"

_TRIGGERS = {
    CommandKind.TAKE_OVER: Trigger.TAKEN_OVER,
    CommandKind.SPEAK: Trigger.OPERATOR_SPEAKS,
    CommandKind.DISMISS: Trigger.DISMISSED,
    CommandKind.DISPATCH: Trigger.DISPATCHED,
    CommandKind.PAUSE: Trigger.PAUSED,
    CommandKind.RESUME: Trigger.RESUMED,
}

Refused = tuple[Refusal, str]  # why, and the facts of this case


@dataclass(frozen=True, slots=True)
class AcceptedCommand:
    """A command that is carried out: the move that it makes, and what is spoken."""

    trigger: Trigger
    by_hand: ByHand
    own_words: MoveDetails | None = None  # None: no words, or those of the next rung


@dataclass(frozen=True, slots=True)
class _Case:
    """One command, and all that decides about it."""

    pending: PendingCommand
    offence: Offence
    operators: OperatorSettings
    ladder: Ladder
    unfit: tuple[str, ...]
    at: datetime


def evaluate_command(
    pending: PendingCommand,
    offence: Offence | None,
    operators: OperatorSettings,
    ladder: Ladder,
    unfit: tuple[str, ...],
    at: datetime,
) -> AcceptedCommand | Refused:
    """Decide whether a command can be carried out now.

    Args:
        pending: the command.
        offence: None: there is none of that id (any more).
        operators: what the site allows operators.
        ladder: of the offence's rule.
        unfit: codes of domain/fitness.py for which nothing may be said; () if it may.
        at: event time.
    """
    given = pending.given
    if offence is None:
        return Refusal.ENDED, ""
    if offence.state not in OPEN:
        return Refusal.ENDED, offence.state.value
    case = _Case(pending, offence, operators, ladder, unfit, at)
    if (why_not := _WHY_NOT.get(given.command)) and (refused := why_not(case)):
        return refused
    by_hand = by_hand_of(pending)
    if given.command is CommandKind.HAND_BACK:
        return AcceptedCommand(back_to_the_ladder(offence), by_hand)
    if given.command is CommandKind.LEFT:
        has_it = offence.state is State.TAKEN_OVER and offence.escalation.is_warned
        return AcceptedCommand(Trigger.LEFT_WARNED if has_it else Trigger.LEFT, by_hand)
    own_words = _own_words(case) if given.command is CommandKind.SPEAK else None
    return AcceptedCommand(_TRIGGERS[given.command], by_hand, own_words)


def by_hand_of(pending: PendingCommand) -> ByHand:
    """Say who had it done, and why."""
    given = pending.given
    return ByHand(
        command_id=pending.event.id,
        command=given.command,
        operator=given.operator,
        reason=given.reason,
        asked_at=given.asked_at,
        despite=given.despite,
        person=given.person,
    )


def back_to_the_ladder(offence: Offence) -> Trigger:
    """Return the trigger that hands an offence back, wherever it had come to."""
    is_warned = offence.escalation.is_warned
    return Trigger.HANDED_BACK_WARNED if is_warned else Trigger.HANDED_BACK


def _why_not_take_over(case: _Case) -> Refused | None:
    hold, given = case.offence.hold, case.pending.given
    if hold is None or hold.operator in (given.operator, given.taking_from):
        return None
    return Refusal.TAKEN_BY_ANOTHER, hold.operator


def _why_not_hand_back(case: _Case) -> Refused | None:
    return None if case.offence.state is State.TAKEN_OVER else (Refusal.NOT_TAKEN_OVER, "")


def _why_not_pause(case: _Case) -> Refused | None:
    if case.offence.state is State.TAKEN_OVER:
        return Refusal.NO_MORE_PAUSES, "it is taken over"
    acts = case.offence.operators_did
    waited = [act.operator for act in acts if act.command is CommandKind.PAUSE]
    if case.pending.given.operator in waited or len(waited) >= MOST_PAUSES:
        return Refusal.NO_MORE_PAUSES, f"it waited for {', '.join(waited)} before"
    return None


def _why_not_resume(case: _Case) -> Refused | None:
    who = case.pending.given.operator
    waits = any(each.operator == who and each.lasts(case.at) for each in case.offence.pauses)
    return None if waits else (Refusal.NOT_PAUSED, "")


def _why_not_start(case: _Case) -> Refused | None:
    return Refusal.OPEN_ALREADY, case.offence.state.value


def _why_not_left(case: _Case) -> Refused | None:
    return None if case.offence.was_started_by_hand else (Refusal.CAMERA_JUDGES, "")


def _why_not_dispatch(case: _Case) -> Refused | None:
    for act in case.offence.operators_did:
        if act.command is CommandKind.DISPATCH:
            return Refusal.ALREADY_DISPATCHED, f"by {act.operator}: {act.reason}"
    return None


def _why_not_speak(case: _Case) -> Refused | None:
    given, speak_by = case.pending.given, case.pending.speak_by
    if speak_by is not None and case.at > speak_by:
        return Refusal.TOO_LATE, f"asked at {given.asked_at.isoformat()}"
    if case.unfit:
        return Refusal.NOT_FIT, explain(case.unfit)
    if given.words is not None and not case.operators.free_words:
        return Refusal.NO_FREE_WORDS, ""
    if given.text_id and case.operators.text(given.text_id) is None:
        known = ", ".join(each.id for each in case.operators.texts) or "none"
        return Refusal.NO_SUCH_TEXT, f"{given.text_id}; there are: {known}"
    if given.words is None and not given.text_id:
        left = case.ladder.rungs[case.offence.escalation.next_rung :]
        if not (left and left[0].announces):
            return Refusal.NOTHING_LEFT, f"next: {left[0].id if left else 'none'}"
    return None


_WHY_NOT: dict[CommandKind, Callable[[_Case], Refused | None]] = {
    CommandKind.TAKE_OVER: _why_not_take_over,
    CommandKind.HAND_BACK: _why_not_hand_back,
    CommandKind.DISPATCH: _why_not_dispatch,
    CommandKind.SPEAK: _why_not_speak,
    CommandKind.PAUSE: _why_not_pause,
    CommandKind.RESUME: _why_not_resume,
    CommandKind.START: _why_not_start,
    CommandKind.LEFT: _why_not_left,
}


def _own_words(case: _Case) -> MoveDetails | None:
    """Return words that are no rung; None: the next rung's are meant."""
    given = case.pending.given
    text = given.words or case.operators.text(given.text_id)
    if text is None:
        return None
    return {
        "rung_id": given.text_id or OWN_WORDS,
        "rung_number": 0,
        "text": text,
        "languages": spoken_without_recordings(case.ladder),
        "recordings": (),
    }
