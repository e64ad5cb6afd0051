"""Give operators' commands by writing them into the log, and find their answers there.

A request becomes a command, and a command is accepted or refused, once. What can be seen to be
impossible when it is given is refused in the same write; the watch flow decides about the rest at the
offence's own moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeVar

from domain.access.decisions import Decision
from domain.base import BothLanguages
from domain.errors import PutAside
from domain.events.announcements import AnnouncementMade, announcement_of
from domain.events.catalog import (
    CommandGiven,
    CommandRefused,
    Event,
    Mark,
    OffenceData,
    OutcomeData,
    expect_event,
    narrow_event,
)
from domain.events.commands import (
    LONGEST_NAME,
    LONGEST_WORDS,
    NEEDS_REASON,
    CommandKind,
    Hold,
    Refusal,
    answer_id,
    command_id,
)
from domain.events.refusals import refuse
from domain.ids import mint
from event_log.log import EventLog

POLL_S = 0.1

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """Ask for something to be done about an offence; becomes a command when it is given."""

    command: CommandKind
    offence_id: str
    operator: str
    via: Literal["console", "command line"]
    reason: str = ""
    text_id: str = ""
    words: BothLanguages | None = None
    taking_from: str = ""
    despite: tuple[Hold, ...] = ()  # speak: what the operator passes over; needs a reason
    # asked twice with the same key it is one command; '': the same until the offence has moved on
    key: str = ""
    # of `domain.access.decisions`, whose name `operator` is then; None: nobody checks who asks
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class StartRequest:
    """Ask for an offence that somebody sees and no rule has found."""

    site_id: str
    camera_id: str
    rule_id: str
    mark: Mark  # where they see it
    operator: str
    via: Literal["console", "command line"]
    key: str  # asked twice with the same key it is one
    reason: str = ""
    decision: Decision | None = None  # see CommandRequest


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """Hold the event that accepts a command (the move that it made) or refuses it."""

    event: Event

    @property
    def refusal(self) -> CommandRefused | None:
        """Return why it was not carried out; None: it was accepted."""
        return self.event.data if isinstance(self.event.data, CommandRefused) else None


def give_command(log: EventLog, request: CommandRequest) -> Event[CommandGiven]:
    """Write a command into the log; a repeated one (a double click) is written once.

    Returns:
        the command; its id is what `find_answer` takes.
    Raises:
        PutAside: no name, or no reason where one is needed, or something too long; nothing was written.
        TryAgain: the log is locked or its disk full.
    """
    _check(request)
    history = [logged.event for logged in log.about(request.offence_id)]
    moves = [move for event in history if (move := narrow_event(event, OffenceData))]
    command = _command_of(request, history, moves)
    if (earlier := log.find(command.id)) is not None:
        return expect_event(earlier.event, CommandGiven)
    refusal = _refuse_at_once(request, command, moves)
    log.append([command] if refusal is None else [command, refusal])
    return command


def start_offence(log: EventLog, request: StartRequest) -> Event[CommandGiven]:
    """Write that somebody saw something; a repeated one (a double click) is written once.

    The watch program opens it with the camera's next frame, or refuses it.

    Returns:
        the command, which names the offence that comes of it.
    Raises:
        PutAside: no name, or something too long; nothing was written.
        TryAgain: the log is locked or its disk full.
    """
    about = (request.camera_id, request.rule_id, request.operator, request.key)
    offence_id = mint("ofc", request.site_id, "by hand", *about)
    _check_words(f"start on {request.camera_id}", request.operator, request.reason)
    is_allowed = request.decision is None or request.decision.is_allowed
    key = request.key if is_allowed else f"{request.key}|not allowed"
    now = datetime.now(UTC)
    command = Event(
        id=command_id(offence_id, CommandKind.START, request.operator, key),
        source=f"forewarn/{request.site_id}/operators",
        subject=offence_id,
        time=now,
        data=CommandGiven(
            command=CommandKind.START,
            offence_id=offence_id,
            site_id=request.site_id,
            camera_id=request.camera_id,
            rule_id=request.rule_id,
            operator=request.operator,
            reason=request.reason,
            asked_at=now,
            via=request.via,
            person=request.decision.asker.person_id if request.decision else "",
            role=request.decision.role_id if request.decision else "",
            mark=request.mark,
        ),
    )
    if (earlier := log.find(command.id)) is not None:
        return expect_event(earlier.event, CommandGiven)
    refusal = None
    if request.decision and request.decision.why_not:
        refusal = refuse(command, Refusal.NOT_ALLOWED, request.decision.why_not.en)
    log.append([command] if refusal is None else [command, refusal])
    return command


def _command_of(
    request: CommandRequest, history: Sequence[Event], moves: Sequence[Event[OffenceData]]
) -> Event[CommandGiven]:
    """Build the command; the same request before the offence has moved on gives the same id."""
    offence = moves[0].data if moves else None
    site_id = offence.site_id if offence else ""
    now = datetime.now(UTC)
    key = _idempotency_key(request, history, moves)
    return Event(
        id=command_id(request.offence_id, request.command, request.operator, key),
        source=f"forewarn/{site_id or 'unknown-site'}/operators",
        subject=request.offence_id,
        time=now,
        data=CommandGiven(
            command=request.command,
            offence_id=request.offence_id,
            site_id=site_id,
            camera_id=offence.camera_id if offence else "",
            rule_id=offence.rule_id if offence else "",
            operator=request.operator,
            reason=request.reason,
            asked_at=now,
            via=request.via,
            text_id=request.text_id,
            words=request.words,
            taking_from=request.taking_from,
            despite=request.despite,
            person=request.decision.asker.person_id if request.decision else "",
            role=request.decision.role_id if request.decision else "",
        ),
    )


def _idempotency_key(
    request: CommandRequest, history: Sequence[Event], moves: Sequence[Event[OffenceData]]
) -> str:
    key = request.key or "|".join(
        (
            moves[-1].id if moves else "",
            request.text_id,
            str(request.words),
            request.taking_from,
            *request.despite,
            # what was refused a while ago may be possible now
            *(event.id for event in history[-1:] if isinstance(event.data, CommandRefused)),
        )
    )
    # once they may, the same command is another one
    is_forbidden = request.decision is not None and not request.decision.is_allowed
    return f"{key}|not allowed" if is_forbidden else key


def _refuse_at_once(
    request: CommandRequest, command: Event[CommandGiven], moves: Sequence[Event[OffenceData]]
) -> Event[CommandRefused] | None:
    """Refuse what is seen to be impossible as it is given; None: the watch flow decides."""
    if request.decision and request.decision.why_not:
        return refuse(command, Refusal.NOT_ALLOWED, request.decision.why_not.en)
    if not moves:
        return refuse(command, Refusal.UNKNOWN, request.offence_id)
    outcomes = [move.data for move in moves if isinstance(move.data, OutcomeData)]
    return refuse(command, Refusal.ENDED, outcomes[-1].state) if outcomes else None


def find_answer(log: EventLog, given_id: str) -> CommandAnswer | None:
    """Find the answer to a command by the command's id; None while there is none."""
    logged = log.find(answer_id(given_id))
    return None if logged is None else CommandAnswer(logged.event)


def wait_for_answer(log: EventLog, given_id: str, patience_s: float) -> CommandAnswer | None:
    """Wait for the answer to a command; None if none came in that time."""
    return _wait_for(lambda: find_answer(log, given_id), patience_s)


def wait_for_call(log: EventLog, warned_id: str, patience_s: float) -> AnnouncementMade | None:
    """Wait for what came of a warning's words; None if nothing is known in that time."""

    def announcement() -> AnnouncementMade | None:
        logged = log.find(announcement_of(warned_id))
        data = logged.event.data if logged else None
        return data if isinstance(data, AnnouncementMade) else None

    return _wait_for(announcement, patience_s)


def _wait_for(look: Callable[[], _Found | None], patience_s: float) -> _Found | None:
    """Look again and again until something is there; None if nothing is after that time."""
    give_up_at_s = time.monotonic() + patience_s
    while (found := look()) is None and time.monotonic() <= give_up_at_s:
        time.sleep(POLL_S)
    return found


def _check(request: CommandRequest) -> None:
    """Raise PutAside where a request lacks what it needs, or says too much."""
    what = f"{request.command.value} {request.offence_id}"
    words = (request.words.zh, request.words.en) if request.words else ()
    _check_words(what, request.operator, request.reason, *words)
    if request.command in NEEDS_REASON and not request.reason.strip():
        raise PutAside(f"{what}: needs a reason; say why in a few words")
    if request.despite and not request.reason.strip():
        held = " and ".join(request.despite)
        raise PutAside(f"{what} despite {held}: needs a reason; say why in a few words")


def _check_words(what: str, operator: str, *texts: str) -> None:
    """Raise PutAside where there is no name, or something is too long."""
    if not operator.strip() or not operator.isprintable():
        raise PutAside(f"{what}: needs the name of who asks for it, got {operator!r}")
    if len(operator) > LONGEST_NAME:
        raise PutAside(f"{what}: a name has at most {LONGEST_NAME} characters")
    if max(map(len, texts)) > LONGEST_WORDS:
        raise PutAside(f"{what}: a reason or a text has at most {LONGEST_WORDS} characters")
