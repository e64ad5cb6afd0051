"""`forewarn offences`: list open offences, and give an operator's commands about them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from domain.base import BothLanguages
from domain.events.base import Mark
from domain.events.commands import HOLDS, CommandKind
from domain.offence_states import FINAL
from forewarn.terminal.identity import ByOption
from forewarn.terminal.operator_command import CommandOptions, give, logged_offences
from forewarn.terminal.operator_command import start as begin
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
    from flows.reports.offences import ReportedOffence

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="""Open offences, and an operator's hand on them: see docs/how-to/operators.md.

    With --json a command prints `result` (done, refused, waiting), `why` and ids. Exit code 65: refused, or a
    reason is missing. 75: on record, and taken up when `forewarn run` is up. 78: there is no event log.
    """,
)

OffenceArgument = Annotated[
    str, typer.Argument(metavar="OFFENCE", help="Its id; the first letters are enough.")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; goes on record.")]
NeededReason = Annotated[str, typer.Option("--reason", help="Why; needed, goes on record.")]
WaitOption = Annotated[
    float,
    typer.Option("--wait", metavar="SECONDS", min=0, help="How long to wait for the answer."),
]
KeyOption = Annotated[
    str,
    typer.Option(
        "--key",
        help="Asked twice with the same key, it is one command: for scripts that try again.",
    ),
]
WAIT_S = 10.0


@app.command("list")
def list_offences(
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Open offences, oldest first, and who has taken them over.

    Example: forewarn offences list
    """
    stories = logged_offences(data_dir(data).events_db, only_open=not every)
    if as_json:
        for story in stories:
            print_json(_as_json(story))
        return
    if not stories:
        console.print("No open offence." if not every else "No offence.")
        return
    table = Table(box=None, header_style="bold")
    for heading in ("offence", "since (UTC)", "camera", "rule", "state", "calls", "with"):
        table.add_column(heading, no_wrap=heading == "offence")
    for story in stories:
        since = story.first_seen_at.astimezone(UTC).strftime("%m-%d %H:%M:%S")
        calls, holder = str(len(story.calls)), story.taken_by or "the ladder"
        state = f"{story.state}, dismissed" if story.dismissed_by else story.state
        cells = (story.offence_id, since, story.camera_id, story.rule_id, state, calls)
        table.add_row(*cells, printable(holder) if _is_open(story) else "")
    console.print(table)


@app.command("start")
def start(
    camera: Annotated[str, typer.Option("--camera", metavar="ID", help="On which camera.")],
    at: Annotated[
        str,
        typer.Option(
            "--at",
            metavar="X,Y",
            help="Where on its picture: fractions of width and height, from the top left.",
        ),
    ],
    rule: Annotated[
        str, typer.Option("--rule", metavar="ID", help="Which rule's ladder is climbed.")
    ],
    reason: ReasonOption = "",
    by: ByOption = "",
    wait: WaitOption = WAIT_S,
    key: KeyOption = "",
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Start an offence that you see and no rule has found; its ladder climbs from the first call.

    No camera judges when it is over: say so with `left`, or dismiss it; else it is escalated.

    Example: forewarn offences start --camera gate --at 0.42,0.7 --rule no-lingering
    """
    begin(camera, rule, _mark(at), reason, CommandOptions(by, wait, key, data, as_json))


@app.command("left")
def left(
    offence: OffenceArgument,
    reason: ReasonOption = "",
    by: ByOption = "",
    wait: WaitOption = WAIT_S,
    key: KeyOption = "",
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Say that they left or stopped, of an offence that was started by hand.

    Example: forewarn offences left ofc-9b37
    """
    give(CommandKind.LEFT, offence, reason, CommandOptions(by, wait, key, data, as_json))


@app.command("take-over")
def take_over(
    offence: OffenceArgument,
    from_: Annotated[
        str, typer.Option("--from", metavar="NAME", help="Take it from them, who have it now.")
    ] = "",
    reason: ReasonOption = "",
    by: ByOption = "",
    wait: WaitOption = WAIT_S,
    key: KeyOption = "",
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Stop the ladder: nothing is said or escalated by itself until it is handed back.

    Whether the subject leaves is watched as before. After the site's operators.hand_back_after_s
    the ladder goes on by itself.

    Example: forewarn offences take-over ofc-9b37 --by "Wang Fang"
    """
    give(
        CommandKind.TAKE_OVER,
        offence,
        reason,
        CommandOptions(by, wait, key, data, as_json),
        taking_from=from_,
    )


@app.command("hand-back")
def hand_back(
    offence: OffenceArgument,
    reason: ReasonOption = "",
    by: ByOption = "",
    wait: WaitOption = WAIT_S,
    key: KeyOption = "",
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Let the ladder go on from where it stands; its pauses count anew.

    Example: forewarn offences hand-back ofc-9b37
    """
    give(CommandKind.HAND_BACK, offence, reason, CommandOptions(by, wait, key, data, as_json))


@app.command()
def speak(
    offence: OffenceArgument,
    text: Annotated[
        str, typer.Option("--text", metavar="ID", help="A text of the site's operators.texts.")
    ] = "",
    zh: Annotated[str, typer.Option("--zh", help="Own words, in Chinese; needs --en too.")] = "",
    en: Annotated[str, typer.Option("--en", help="Own words, in English; needs --zh too.")] = "",
    reason: ReasonOption = "",
    despite: Annotated[
        list[str] | None,
        typer.Option(
            "--despite",
            metavar="HOLD",
            help="Speak although quiet-hours or a cap forbid it; give it for each. Needs --reason.",
        ),
    ] = None,
    by: ByOption = "",
    wait: WaitOption = WAIT_S,
    key: KeyOption = "",
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Have the next rung's text spoken now; or a text of the site; or, where allowed, own words.

    In quiet hours and over a cap it is refused at once, unless you say why it has to be.

    Example: forewarn offences speak ofc-9b37

    Example: forewarn offences speak ofc-9b37 --text mind-the-step

    Example: forewarn offences speak ofc-9b37 --despite quiet-hours --reason "a child on the ice"
    """
    if bool(zh) != bool(en):
        raise typer.BadParameter("own words are needed in both languages: --zh and --en")
    if text and zh:
        raise typer.BadParameter("either --text or own words, not both")
    words = BothLanguages(zh=zh, en=en) if zh else None
    named = despite or []
    if strange := [hold for hold in named if hold not in HOLDS]:
        raise typer.BadParameter(
            f"needs {' or '.join(HOLDS)}, got {strange[0]}", param_hint="--despite"
        )
    holds = tuple(hold for hold in HOLDS if hold in named)
    asked = CommandOptions(by, wait, key, data, as_json)
    give(CommandKind.SPEAK, offence, reason, asked, text_id=text, words=words, despite=holds)


@app.command()
def dismiss(
    offence: OffenceArgument,
    reason: NeededReason,
    by: ByOption = "",
    wait: WaitOption = WAIT_S,
    key: KeyOption = "",
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """End it for good: no offence to be followed. What was recorded is kept, with the reason.

    Example: forewarn offences dismiss ofc-9b37 --reason "the gardener, at work"
    """
    give(CommandKind.DISMISS, offence, reason, CommandOptions(by, wait, key, data, as_json))


@app.command()
def dispatch(
    offence: OffenceArgument,
    note: Annotated[str, typer.Option("--note", help="Who goes, and why; goes on record.")],
    by: ByOption = "",
    wait: WaitOption = WAIT_S,
    key: KeyOption = "",
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Put on record that an officer was sent; the offence stays open and is watched on.

    Example: forewarn offences dispatch ofc-9b37 --note "patrol 3, two minutes away"
    """
    give(CommandKind.DISPATCH, offence, note, CommandOptions(by, wait, key, data, as_json))


def _mark(at: str) -> Mark:
    try:
        x, y = (float(part) for part in at.split(","))
        return Mark(x=x, y=y)
    except ValueError:
        raise typer.BadParameter(
            f"needs two fractions from 0 to 1 such as 0.42,0.7, got {at}", param_hint="--at"
        ) from None


def _is_open(story: ReportedOffence) -> bool:
    return story.state not in FINAL


def _as_json(story: ReportedOffence) -> dict[str, Any]:
    values = asdict(story)
    values.pop("sightings")
    return values
