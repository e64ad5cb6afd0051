"""Bring commands of the event log to the ladder of the offence that they are about.

A command acts at a moment of the footage, and a replay must find the same moment again. So what
the log knows goes along: a command that was answered acts after the frame after which it acted
before; one that was not acts at once, but not before the last thing on record about its offence
(after a crash the ladder first has to get there again).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from pydantic import AwareDatetime

from domain.events.catalog import (
    CommandGiven,
    CommandRefused,
    Event,
    OffenceData,
    OutcomeData,
    expect_event,
)
from domain.events.commands import REFUSAL_FOR, CommandKind, Hold, Refusal, answer_id
from domain.events.refusals import refuse
from domain.events.wall_time import Convert, same_time, steady_time_of
from domain.rule_key import RuleKey
from event_log.rows import LoggedEvent
from flows.speech.speaker import Addressed

log = structlog.get_logger()

START_WITHIN = timedelta(seconds=30)  # of marking: later the picture shows something else
ANY_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)  # whatever comes next


@dataclass(frozen=True, slots=True)
class PendingCommand:
    """Hold a command that waits for its moment; saved with the ladder's state."""

    event: Event[CommandGiven]
    order: int  # in the log
    not_before: AwareDatetime  # event time
    speak_by: AwareDatetime | None = None  # event time; None: it does not matter
    is_answered: bool = False  # its move stands in the log: it is only made again

    @property
    def given(self) -> CommandGiven:
        """Return what is asked for."""
        return self.event.data


@dataclass(frozen=True, slots=True)
class CommandContext:
    """Hold what taking up a command needs to know."""

    find: Callable[[str], LoggedEvent | None]  # an event of the log by its id
    about: Callable[[str], list[LoggedEvent]]  # all events about an offence, in order
    keys: Collection[RuleKey]  # that this flow watches
    live_cameras: Collection[str] = ()
    useful_for_s: float = 5.0  # words for a live camera: later they would reach somebody else
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    of_wall: Convert = same_time  # event time at which the wall's clock said something
    # what would keep a call silent on that camera's loudspeaker at a moment, and its words
    why_held: Callable[[str, Addressed, datetime], tuple[Hold, str] | None] = lambda *_: None


def take_up(logged: LoggedEvent, context: CommandContext) -> PendingCommand | Event | None:
    """Send a command to its ladder, or refuse it here; None: it was refused before."""
    event = expect_event(logged.event, CommandGiven)
    given = event.data
    answer = context.find(answer_id(event.id))
    if answer is not None and isinstance(answer.event.data, CommandRefused):
        return None
    if RuleKey(given.camera_id, given.rule_id) not in context.keys:
        return refuse(event, Refusal.NOT_WATCHED, f"{given.camera_id}, {given.rule_id}")
    if answer is not None:
        moment = steady_time_of(answer.event, context.of_wall)
        return PendingCommand(event, logged.seq, moment, is_answered=True)
    if given.command is CommandKind.START:
        return _start(event, logged.seq, context)
    story = [each.event for each in context.about(given.offence_id)]
    moves = [each for each in story if isinstance(each.data, OffenceData)]
    if not moves:
        return refuse(event, Refusal.UNKNOWN, given.offence_id)
    if ended := [each.data for each in moves if isinstance(each.data, OutcomeData)]:
        return refuse(event, Refusal.ENDED, ended[-1].state)
    speak_by = None
    if given.command is CommandKind.SPEAK and given.camera_id in context.live_cameras:
        speak_by = context.of_wall(given.asked_at) + timedelta(seconds=context.useful_for_s)
        # the ladder's clock may stand still as long as this program did
        if context.of_wall(context.now()) > speak_by:
            return refuse(event, Refusal.TOO_LATE, f"asked at {given.asked_at.isoformat()}")
        held = _why_held(given, moves[-1], context)
        if held is not None:
            return refuse(event, REFUSAL_FOR[held[0]], held[1])
    log.info("command_taken_up", command_id=event.id, command=given.command.value)
    latest = max(steady_time_of(each, context.of_wall) for each in moves)
    return PendingCommand(event, logged.seq, latest, speak_by)


def _start(
    event: Event[CommandGiven], order: int, context: CommandContext
) -> PendingCommand | Event:
    """Send what somebody saw to its ladder, with the next frame; too late, they saw something else."""
    given, start_by = event.data, None
    if given.mark is None:
        return refuse(event, Refusal.UNKNOWN, "nothing is marked")
    if given.camera_id in context.live_cameras:
        start_by = context.of_wall(given.asked_at) + START_WITHIN
        if context.of_wall(context.now()) > start_by:
            return refuse(event, Refusal.TOO_LATE, f"asked at {given.asked_at.isoformat()}")
    log.info("command_taken_up", command_id=event.id, command=given.command.value)
    return PendingCommand(event, order, ANY_MOMENT, start_by)


def _why_held(given: CommandGiven, last: Event, context: CommandContext) -> tuple[Hold, str] | None:
    """Return what would keep the words from being heard: better said at once than found out later."""
    about = expect_event(last, OffenceData).data
    zone = f"{about.camera_id}/{about.zone_id}"
    return context.why_held(
        given.camera_id, Addressed(zone, about.subject_id, given.despite), context.now()
    )
