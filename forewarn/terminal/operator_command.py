"""Give an operator's command about an offence, wait for its answer, and print it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from domain.access.decisions import Decision, NotAllowed, decide
from domain.access.people_file import PeopleFile
from domain.access.permissions import Permission
from domain.data_dir import DataDir
from domain.errors import PutAside, Stop, TryAgain
from domain.events.announcements import MAY_HAVE_BEEN_HEARD, AnnouncementMade
from domain.events.base import Mark
from domain.events.catalog import CommandGiven, Event
from domain.events.commands import CommandKind, Refusal
from forewarn.terminal.identity import who_asks
from forewarn.terminal.options import console, data_dir, print_json

if TYPE_CHECKING:  # SQLAlchemy takes a while to load
    from event_log.commands import CommandAnswer
    from event_log.log import EventLog
    from event_log.projections.rows import Fields
    from flows.reports.offences import ReportedOffence


@dataclass(frozen=True, slots=True)
class CommandOptions:
    """The options that every command of an operator has."""

    by: str
    wait_s: float
    key: str
    data: Path
    as_json: bool


def give(
    command: CommandKind, offence: str, reason: str, asked: CommandOptions, **details: Any
) -> None:
    """Write the command, wait for its answer, print it.

    Args:
        command: what is asked for.
        offence: the first letters of its id.
        reason: why; may be empty where the command needs none.
        asked: who asks, and how the answer is wanted.
        details: further fields of `CommandRequest`.
    Raises:
        NotAllowed: refused, for who asks may not.
        PutAside: refused, or words that were to be spoken were not heard.
        TryAgain: written, but not answered in that time.
    """
    from event_log.commands import CommandRequest, give_command, wait_for_answer, wait_for_call

    folder = data_dir(asked.data)
    asker = who_asks(folder, asked.by)
    decision = decide(PeopleFile(folder.people).people(), asker, Permission.COMMAND)
    with open_log(folder.events_db) as log:
        request = CommandRequest(
            command,
            _whole_id(offence, log),
            asker.name,
            "command line",
            reason=reason,
            key=asked.key,
            decision=decision,
            **details,
        )
        given = give_command(log, request)
        answer = wait_for_answer(log, given.id, asked.wait_s)
        why = answer.refusal.why if answer and answer.refusal else None
        closed = None
        if command is CommandKind.DISMISS and answer and why in (None, Refusal.ENDED):
            # also of who was sent there before it ended
            closed = _close_alarm(log, folder, given, decision)
        if closed is not None and why is not None:
            _print_closed(given, closed, asked)
            return
        is_spoken = command is CommandKind.SPEAK and answer and not answer.refusal
        call = wait_for_call(log, answer.event.id, asked.wait_s) if is_spoken and answer else None
    if asked.as_json:
        printed = _answer_as_json(given, answer)
        if command is CommandKind.SPEAK:
            printed["call"] = call.model_dump(mode="json") if call else None
        print_json(printed)
    _check_done(given, decision, answer, call, asked.wait_s)
    if answer is not None and not asked.as_json:
        state = getattr(answer.event.data, "state", "")
        console.print(f"{command.value} {request.offence_id}: done; it is now {state}")
        if closed is not None:
            console.print(f"its alarm {closed['alarm_id']} is closed as false")
        if is_spoken:
            where = f" ({call.speaker_id or 'a file'})" if call else ""
            result = call.result if call else "what came of it is not known yet"
            console.print(f"the call: {result}{where}")


def _close_alarm(
    log: EventLog, folder: DataDir, given: Event[CommandGiven], decision: Decision
) -> Fields | None:
    """Close the alarm of an offence that has ended as false; None: it has none to be closed."""
    from casework.alarms.desk import AlarmActor
    from casework.alarms.of_folder import desk_of_folder
    from casework.alarms.reading import MoveRefused

    asker, data = decision.asker, given.data
    actor = AlarmActor(asker.name, "command line", asker.person_id, decision.role_id)
    desk, _ = desk_of_folder(folder, log)
    try:
        return desk.dismiss(data.offence_id, actor, data.reason)
    except MoveRefused:
        return None


def _print_closed(given: Event[CommandGiven], row: Fields, asked: CommandOptions) -> None:
    """Say that the alarm of an offence that had ended is closed as false."""
    offence_id = given.data.offence_id
    if asked.as_json:
        done = {"result": "done", "alarm_id": row["alarm_id"], "alarm_state": row["state"]}
        print_json({"command_id": given.id, "offence_id": offence_id, **done})
    else:
        console.print(f"{offence_id} has ended; its alarm {row['alarm_id']} is closed as false")


def start(camera: str, rule: str, mark: Mark, reason: str, asked: CommandOptions) -> None:
    """Write that somebody saw something on a camera, wait for the answer, print it; raises as `give`.

    Raises:
        PutAside: the site file in force has no such camera or rule; or as `give`.
    """
    from event_log.commands import StartRequest, start_offence, wait_for_answer
    from event_log.site_in_force import site_in_force

    folder = data_dir(asked.data)
    with open_log(folder.events_db) as log:
        site = site_in_force(folder).site
        for name, known in (
            (camera, [each.id for each in site.cameras]),
            (rule, [each.id for each in site.rules]),
        ):
            if name not in known:
                raise PutAside(f"the site file in force has no {name!r}; it has {', '.join(known)}")
        asker = who_asks(folder, asked.by)
        decision = decide(PeopleFile(folder.people).people(), asker, Permission.COMMAND)
        request = StartRequest(
            *(site.site.id, camera, rule, mark, asker.name, "command line"),
            key=asked.key or secrets.token_hex(8),
            reason=reason,
            decision=decision,
        )
        given = start_offence(log, request)
        answer = wait_for_answer(log, given.id, asked.wait_s)
    if asked.as_json:
        print_json(_answer_as_json(given, answer))
    _check_done(given, decision, answer, None, asked.wait_s)
    if not asked.as_json:
        console.print(f"{given.data.offence_id}: started; the ladder goes on by itself")


def _check_done(
    given: Event[CommandGiven],
    decision: Decision,
    answer: CommandAnswer | None,
    call: AnnouncementMade | None,
    wait_s: float,
) -> None:
    """Raise what `give` raises, unless the command was carried out."""
    what = f"{given.data.command.value} {given.data.offence_id}"
    if answer is None:
        raise TryAgain(
            f"{what}: on record as {given.id}, but not taken up within {wait_s:g} s; it will be when "
            "the watch program runs. Is `forewarn run` up with this data folder?"
        )
    if answer.refusal is not None:
        if not decision.is_allowed:
            raise NotAllowed(decision)
        raise PutAside(f"{what}: {answer.refusal.explanation}")
    if call is not None and call.result not in MAY_HAVE_BEEN_HEARD:
        raise PutAside(f"{what}: on record, and not heard: {call.result}: {call.reason}")


def _answer_as_json(given: Event[CommandGiven], answer: CommandAnswer | None) -> dict[str, Any]:
    refusal = answer.refusal if answer else None
    result = "waiting" if answer is None else "refused" if refusal else "done"
    return {
        "command_id": given.id,
        "command": given.data.command.value,
        "offence_id": given.data.offence_id,
        "result": result,
        "state": getattr(answer.event.data, "state", None) if answer else None,
        "event_id": answer.event.id if answer else None,
        "why": refusal.why.value if refusal else None,
        "explanation": refusal.explanation if refusal else None,
    }


def _whole_id(start: str, log: EventLog) -> str:
    """Find the one offence whose id begins like this; return the text itself where none does."""
    from event_log.projections.reading import find_offences

    ids = find_offences(log, start=start, most=6)
    if len(ids) > 1 and start not in ids:
        shown = ", ".join(ids[:5])
        raise typer.BadParameter(f"{start} could be {shown}", param_hint="OFFENCE")
    return ids[0] if len(ids) == 1 else start


def logged_offences(path: Path, *, only_open: bool) -> list[ReportedOffence]:
    """Read the offences of a log, oldest first. Raises Stop where there is no log."""
    from event_log.projections.reading import find_offences
    from flows.reports.offences import read_offence

    with open_log(path) as log:
        found = [read_offence(log, each) for each in find_offences(log, only_open=only_open)]
    return [story for story in found if story is not None]


def open_log(path: Path) -> EventLog:
    from event_log.log import EventLog

    if not path.exists():  # opening must not make one: --data may be mistyped
        raise Stop(
            f"no event log at {path}: nothing was recorded with this data folder yet; "
            "give another with --data, or start `forewarn run`"
        )
    return EventLog.open(path)
