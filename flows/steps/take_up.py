"""Commands of the event log on their way to the ladder of the offence that they are about.

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

from domain.commands import REFUSAL_FOR, CommandKind, Hold, Refusal, answer_id
from domain.events import CommandGiven, CommandRefused, Event, OffenceData, OutcomeData
from domain.refusals import refuse
from event_log.rows import LoggedEvent
from flows.speech.speaker import Addressed

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pending:
    """A command that waits for its moment; plain, saved with the ladder's state."""

    event: Event  # CommandGiven
    order: int  # in the log
    not_before: datetime  # event time
    speak_by: datetime | None = None  # wall clock; None: it does not matter
    is_answered: bool = False  # its move stands in the log: it is only made again

    @property
    def given(self) -> CommandGiven:
        """What is asked for."""
        assert isinstance(self.event.data, CommandGiven)
        return self.event.data


@dataclass(frozen=True, slots=True)
class Desk:
    """What taking up needs to know."""

    find: Callable[[str], LoggedEvent | None]  # an event of the log by its id
    about: Callable[[str], list[LoggedEvent]]  # all events about an offence, in order
    keys: Collection[str]  # "camera|rule" that this flow watches
    live_cameras: Collection[str] = ()
    useful_for_s: float = 5.0  # words for a live camera: later they would reach somebody else
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    # what would keep a call silent on that camera's loudspeaker at a moment, and its words
    why_held: Callable[[str, Addressed, datetime], tuple[Hold, str] | None] = lambda *_: None


def take_up(logged: LoggedEvent, desk: Desk) -> Pending | Event | None:
    """What becomes of a command: it goes to its ladder, is refused here, or was refused before."""
    event, given = logged.event, logged.event.data
    assert isinstance(given, CommandGiven)
    answer = desk.find(answer_id(event.id))
    if answer is not None and isinstance(answer.event.data, CommandRefused):
        return None
    if f"{given.camera_id}|{given.rule_id}" not in desk.keys:
        return refuse(event, Refusal.NOT_WATCHED, f"{given.camera_id}, {given.rule_id}")
    if answer is not None:
        return Pending(event, logged.seq, answer.event.time, is_answered=True)
    story = [each.event for each in desk.about(given.offence_id)]
    moves = [each for each in story if isinstance(each.data, OffenceData)]
    if not moves:
        return refuse(event, Refusal.UNKNOWN, given.offence_id)
    if ended := [each.data for each in moves if isinstance(each.data, OutcomeData)]:
        return refuse(event, Refusal.ENDED, ended[-1].state)
    speak_by = None
    if given.command is CommandKind.SPEAK and given.camera_id in desk.live_cameras:
        speak_by = given.asked_at + timedelta(seconds=desk.useful_for_s)
        if desk.now() > speak_by:  # the ladder's clock may stand still as long as this program did
            return refuse(event, Refusal.TOO_LATE, f"asked at {given.asked_at.isoformat()}")
        held = _why_held(given, moves[-1], desk)
        if held is not None:
            return refuse(event, REFUSAL_FOR[held[0]], held[1])
    log.info("command_taken_up", command_id=event.id, command=given.command.value)
    return Pending(event, logged.seq, max(each.time for each in moves), speak_by)


def _why_held(given: CommandGiven, last: Event, desk: Desk) -> tuple[Hold, str] | None:
    """What would keep the words from being heard: better told at once than found out afterwards."""
    about = last.data
    assert isinstance(about, OffenceData)
    zone = f"{about.camera_id}/{about.zone_id}"
    return desk.why_held(
        given.camera_id, Addressed(zone, about.subject_id, given.despite), desk.now()
    )
