"""`forewarn alarms`: what a person must answer, and what people do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.access.decisions import NotAllowed, decide
from domain.access.people_file import PeopleFile
from domain.access.permissions import Permission
from domain.cameras.steady_clock import SteadyClock
from domain.data_dir import DataDir
from forewarn.terminal.identity import ByOption, who_asks
from forewarn.terminal.operator_command import open_log
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    console,
    data_dir,
    print_json,
    printable,
)

if TYPE_CHECKING:  # SQLAlchemy takes a while to load
    from casework.alarms.desk import AlarmDesk

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="""Alarms: tasks that a person must answer, opened by live runs.

    With --json a command prints the alarm as it is then, one a line. Exit code 65: not possible any more, or
    something is missing. 78: there is no event log.
    """,
)

AlarmArgument = Annotated[
    str, typer.Argument(metavar="ALARM", help="Its id; the first letters are enough.")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; goes on record.")]


@app.command("list")
def list_alarms(
    every: Annotated[bool, typer.Option("--all", help="Also those that are closed.")] = False,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Show open alarms: those that nobody has answered first, the oldest first.

    Example: forewarn alarms list
    """
    from casework.alarms.reading import list_alarms as read

    folder = data_dir(data)
    with _desk(folder) as (desk, clock):
        rows = read(desk.projection, with_closed=every)
    if as_json:
        for row in rows:
            print_json(row)
        return
    if not rows:
        console.print("No alarm." if every else "No open alarm.")
        return
    for row in rows:
        console.print(printable(_line(row, clock)), highlight=False, soft_wrap=True)


@app.command("show")
def show(
    alarm: AlarmArgument,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Show an alarm and all that was done about it.

    Example: forewarn alarms show alm-9b37
    """
    from casework.alarms.reading import read_alarm
    from forewarn.terminal.event_lines import HEADER, line

    folder = data_dir(data)
    with _desk(folder) as (desk, _), open_log(folder.events_db) as log:
        row = read_alarm(desk.projection, alarm)
        story = log.about(row["alarm_id"])
    if as_json:
        done = [{"at": e.event.time, **e.event.data.model_dump(mode="json")} for e in story]
        print_json({**row, "history": done})
        return
    console.print(printable(f"{row['words_en']} / {row['words_zh']}"), highlight=False)
    print(HEADER)
    for logged in story:
        print(line(logged))


@app.command("acknowledge")
def acknowledge(
    alarm: AlarmArgument,
    by: ByOption = "",
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Say that you have seen it and have it: nobody else is told.

    Example: forewarn alarms acknowledge alm-9b37 --by "Wang Fang"
    """
    _move(alarm, "acknowledge", by, data, as_json)


@app.command("assign")
def assign(
    alarm: AlarmArgument,
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="Who is to go.")],
    reason: ReasonOption = "",
    by: ByOption = "",
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Say who is to go; another may be sent instead until somebody is there.

    Example: forewarn alarms assign alm-9b37 --to "patrol 3"
    """
    _move(alarm, "assign", by, data, as_json, reason=reason, assigned_to=to)


@app.command("move")
def move(
    alarm: AlarmArgument,
    action: Annotated[
        str,
        typer.Argument(
            metavar="ACTION",
            help="set-out, arrive, settled, persuaded, refused, nobody-there, no-cooperation, false-alarm, "
            "close, reopen.",
        ),
    ],
    reason: ReasonOption = "",
    by: ByOption = "",
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Put on record how far it has come; a false alarm and a reopening need a reason.

    Example: forewarn alarms move alm-9b37 persuaded

    Example: forewarn alarms move alm-9b37 false-alarm --reason "the gardener, at work"
    """
    _move(alarm, action, by, data, as_json, reason=reason)


def _move(alarm: str, action: str, by: str, data: Path, as_json: bool, **details: Any) -> None:
    from casework.alarms.desk import AlarmActor
    from casework.alarms.moves import AlarmAction
    from casework.alarms.reading import read_alarm

    try:
        wanted = AlarmAction(action)
    except ValueError:
        known = ", ".join(each for each in AlarmAction if each is not AlarmAction.CAUSE_OVER)
        raise typer.BadParameter(f"needs one of {known}; got {action}") from None
    folder = data_dir(data)
    asker = who_asks(folder, by)
    decision = decide(PeopleFile(folder.people).people(), asker, Permission.COMMAND)
    if not decision.is_allowed:
        raise NotAllowed(decision)
    actor = AlarmActor(asker.name, "command line", asker.person_id, decision.role_id)
    with _desk(folder) as (desk, _):
        row = desk.move(read_alarm(desk.projection, alarm)["alarm_id"], wanted, actor, **details)
    if as_json:
        print_json(row)
    else:
        holder = f", with {row['holder']}" if row["holder"] else ""
        console.print(printable(f"{row['alarm_id']}: {row['state']}{holder}"), highlight=False)


@contextmanager
def _desk(data: DataDir) -> Iterator[tuple[AlarmDesk, SteadyClock]]:
    """Open the alarms of a data folder; Stop: there is no event log."""
    from casework.alarms.of_folder import desk_of_folder

    with open_log(data.events_db) as log:
        yield desk_of_folder(data, log)


def _line(row: dict[str, Any], clock: SteadyClock) -> str:
    """Say in a line, which is never cut, what an alarm is about and how it stands."""
    since = datetime.fromisoformat(row["opened_at"]).strftime("%m-%d %H:%M:%SZ")
    holder = f", with {row['holder']}" if row["holder"] else ""
    missed = f", unanswered {row['level']}x" if row["level"] else ""
    until = ""
    if row["due_at"] is not None:
        at = clock.wall(datetime.fromisoformat(row["due_at"])).astimezone(UTC)
        until = at.strftime(", answer until %H:%M:%SZ")
    standing = f"{row['state']}{holder}{missed}{until}"
    return f"{row['alarm_id']}  {since}  {row['severity']:8}  {standing}: {row['words_en']}"
