"""Operators' commands: written into the log, and their answers found there.

What can be seen to be impossible when a command is given is refused in the same write; whether the
rest can be carried out, the watch flow decides at the offence's own moment.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from domain.access import Decision
from domain.announcements import AnnouncementMade, announcement_of
from domain.commands import (
    LONGEST_NAME,
    LONGEST_WORDS,
    NEEDS_REASON,
    CommandKind,
    Hold,
    Refusal,
    answer_id,
    command_id,
)
from domain.errors import PutAside
from domain.events import CommandGiven, CommandRefused, Event, OffenceData, OutcomeData
from domain.facts import BothLanguages
from domain.refusals import refuse
from event_log.log import EventLog
from event_log.rows import LoggedEvent

POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody wants done about an offence."""

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
    # of `domain.access`, whose name `operator` is then; None: nobody checks who asks
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command."""

    event: Event

    @property
    def refusal(self) -> CommandRefused | None:
        """Why it was not carried out; None: it was."""
        return self.event.data if isinstance(self.event.data, CommandRefused) else None


def give_command(log: EventLog, ask: Ask) -> Event:
    """Write a command into the log; a repeated one (a double click) is written once.

    Returns:
        The CommandGiven event; its id is what `find_answer` takes.
    Raises:
        PutAside: no name, or no reason where one is needed, or something too long; nothing was written.
        TryAgain: the log is locked or its disk full.
    """
    _check(ask)
    story = [each.event for each in log.about(ask.offence_id)]
    moves = [each for each in story if isinstance(each.data, OffenceData)]
    known = moves[0].data if moves else None
    site_id, camera_id, rule_id = (
        (known.site_id, known.camera_id, known.rule_id)
        if isinstance(known, OffenceData)
        else ("", "", "")
    )
    key = ask.key or "|".join(
        (
            moves[-1].id if moves else "",
            ask.text_id,
            str(ask.words),
            ask.taking_from,
            *ask.despite,
            # what was refused a while ago may be possible now
            *(each.id for each in story[-1:] if isinstance(each.data, CommandRefused)),
        )
    )
    if ask.decision and not ask.decision.is_allowed:
        key += "|not allowed"  # once they may, the same command is another one
    now = datetime.now(UTC)
    given = Event(
        id=command_id(ask.offence_id, ask.command, ask.operator, key),
        source=f"forewarn/{site_id or 'unknown-site'}/operators",
        subject=ask.offence_id,
        time=now,
        data=CommandGiven(
            command=ask.command,
            offence_id=ask.offence_id,
            site_id=site_id,
            camera_id=camera_id,
            rule_id=rule_id,
            operator=ask.operator,
            reason=ask.reason,
            asked_at=now,
            via=ask.via,
            text_id=ask.text_id,
            words=ask.words,
            taking_from=ask.taking_from,
            despite=ask.despite,
            person=ask.decision.asker.person_id if ask.decision else "",
            role=ask.decision.role_id if ask.decision else "",
        ),
    )
    before = log.find(given.id)
    if before is not None:
        return before.event
    ended = [each.data for each in moves if isinstance(each.data, OutcomeData)]
    refused = []
    if ask.decision and ask.decision.why_not:
        refused = [refuse(given, Refusal.NOT_ALLOWED, ask.decision.why_not.en)]
    elif not moves:
        refused = [refuse(given, Refusal.UNKNOWN, ask.offence_id)]
    elif ended:
        refused = [refuse(given, Refusal.ENDED, ended[-1].state)]
    log.append([given, *refused])
    return given


def find_answer(log: EventLog, given_id: str) -> Answer | None:
    """The answer to a command; None while there is none."""
    found: LoggedEvent | None = log.find(answer_id(given_id))
    return None if found is None else Answer(found.event)


def wait_for_answer(log: EventLog, given_id: str, patience_s: float) -> Answer | None:
    """The answer to a command, waited for; None if none came in that time."""
    give_up_at = time.monotonic() + patience_s
    while True:
        answer = find_answer(log, given_id)
        if answer is not None or time.monotonic() > give_up_at:
            return answer
        time.sleep(POLL_S)


def wait_for_call(log: EventLog, warned_id: str, patience_s: float) -> AnnouncementMade | None:
    """What came of the words that an answer says are spoken; None if nothing is known in that time."""
    give_up_at = time.monotonic() + patience_s
    while True:
        found = log.find(announcement_of(warned_id))
        if found is not None and isinstance(found.event.data, AnnouncementMade):
            return found.event.data
        if time.monotonic() > give_up_at:
            return None
        time.sleep(POLL_S)


def _check(ask: Ask) -> None:
    """Raise PutAside where a command lacks what it needs."""
    what = f"{ask.command.value} {ask.offence_id}"
    if not ask.operator.strip() or not ask.operator.isprintable():
        raise PutAside(f"{what}: needs the name of who asks for it, got {ask.operator!r}")
    if len(ask.operator) > LONGEST_NAME:
        raise PutAside(f"{what}: a name has at most {LONGEST_NAME} characters")
    if ask.command in NEEDS_REASON and not ask.reason.strip():
        raise PutAside(f"{what}: needs a reason; say why in a few words")
    if ask.despite and not ask.reason.strip():
        held = " and ".join(ask.despite)
        raise PutAside(f"{what} despite {held}: needs a reason; say why in a few words")
    texts = [ask.reason, *([ask.words.zh, ask.words.en] if ask.words else [])]
    if max(map(len, texts)) > LONGEST_WORDS:
        raise PutAside(f"{what}: a reason or a text has at most {LONGEST_WORDS} characters")
