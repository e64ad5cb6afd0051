"""`forewarn offences`: what is going on now, and what an operator wants done about it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from domain.access import NotAllowed, decide
from domain.acts import Act
from domain.announcements import MAY_HAVE_BEEN_HEARD
from domain.commands import HOLDS, CommandKind
from domain.data_dir import DataDir
from domain.errors import PutAside, Stop, TryAgain
from domain.facts import BothLanguages
from domain.ladder import FINAL
from domain.people_file import PeopleFile
from forewarn.asking import ByOption, who_asks
from forewarn.options import DEFAULT_DATA, DataOption, JsonOption, console, data_dir, print_json

if TYPE_CHECKING:  # SQLAlchemy takes a while to load
    from event_log.commands import Answer, Ask
    from event_log.log import EventLog
    from flows.story.offences import OffenceStory

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Open offences, and an operator's hand on them: see docs/operators.md.",
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
    found = [each for each in _stories(data_dir(data).events_db) if every or _is_open(each)]
    if as_json:
        for each in found:
            print_json(_as_json(each))
        return
    if not found:
        console.print("No open offence." if not every else "No offence.")
        return
    table = Table(box=None, header_style="bold")
    for heading in ("offence", "since (UTC)", "camera", "rule", "state", "calls", "with"):
        table.add_column(heading, no_wrap=heading == "offence")
    for each in found:
        since = each.first_seen_at.astimezone(UTC).strftime("%m-%d %H:%M:%S")
        calls, holder = str(len(each.calls)), each.taken_by or "the ladder"
        cells = (each.offence_id, since, each.camera_id, each.rule_id, each.state, calls)
        table.add_row(*cells, holder if _is_open(each) else "")
    console.print(table)


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
    wish = _ask(CommandKind.TAKE_OVER, offence, by, reason, key, taking_from=from_)
    _do(wish, data, wait, as_json)


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
    _do(_ask(CommandKind.HAND_BACK, offence, by, reason, key), data, wait, as_json)


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
    asked = despite or []
    if strange := [each for each in asked if each not in HOLDS]:
        raise typer.BadParameter(
            f"needs {' or '.join(HOLDS)}, got {strange[0]}", param_hint="--despite"
        )
    holds = tuple(hold for hold in HOLDS if hold in asked)
    more = {"text_id": text, "words": words, "despite": holds}
    wish = _ask(CommandKind.SPEAK, offence, by, reason, key, **more)
    _do(wish, data, wait, as_json)


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
    _do(_ask(CommandKind.DISMISS, offence, by, reason, key), data, wait, as_json)


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
    _do(_ask(CommandKind.DISPATCH, offence, by, note, key), data, wait, as_json)


def _ask(command: CommandKind, offence: str, by: str, reason: str, key: str, **more: Any) -> Ask:
    from event_log.commands import Ask

    return Ask(command, offence, by, "command line", reason=reason, key=key, **more)


def _by_whom(wish: Ask, data: DataDir) -> Ask:
    """The same, with who asks and whether they may."""
    from dataclasses import replace

    asker = who_asks(data, wish.operator)
    decision = decide(PeopleFile(data.people).people(), asker, Act.COMMAND)
    return replace(wish, operator=asker.name, decision=decision)


def _do(wish: Ask, data: Path, wait_s: float, as_json: bool) -> None:
    """Write the command, wait for its answer, tell it.

    Raises:
        NotAllowed: refused, for who asks may not.
        PutAside: refused.
        TryAgain: written, but not answered in that time.
        PutAside: also where words that were to be spoken were not heard.
    """
    from dataclasses import replace

    from event_log.commands import give_command, wait_for_answer, wait_for_call

    wish = _by_whom(wish, data_dir(data))
    with _open(data_dir(data).events_db) as log:
        wish = replace(wish, offence_id=_whole_id(wish.offence_id, data_dir(data).events_db))
        given = give_command(log, wish)
        answer = wait_for_answer(log, given.id, wait_s)
        is_speech = wish.command is CommandKind.SPEAK and answer and not answer.refusal
        call = wait_for_call(log, answer.event.id, wait_s) if is_speech and answer else None
    if as_json:
        told = _told(given.id, wish, answer)
        print_json(
            told | {"call": call.model_dump(mode="json") if call else None}
            if wish.command is CommandKind.SPEAK
            else told
        )
    if answer is None:
        raise TryAgain(
            f"{wish.command.value} {wish.offence_id}: on record as {given.id}, but not taken up "
            f"within {wait_s:g} s; it will be when the watch program runs. Is `forewarn run` up "
            "with this data folder?"
        )
    if answer.refusal is not None:
        if wish.decision and not wish.decision.is_allowed:
            raise NotAllowed(wish.decision)
        raise PutAside(f"{wish.command.value} {wish.offence_id}: {answer.refusal.explanation}")
    if call is not None and call.result not in MAY_HAVE_BEEN_HEARD:
        raise PutAside(
            f"{wish.command.value} {wish.offence_id}: on record, and not heard: {call.result}: "
            f"{call.reason}"
        )
    if not as_json:
        state = getattr(answer.event.data, "state", "")
        console.print(f"{wish.command.value} {wish.offence_id}: done; it is now {state}")
    if is_speech and not as_json:
        where = f" ({call.speaker_id or 'a file'})" if call else ""
        console.print(
            f"the call: {call.result if call else 'what came of it is not known yet'}{where}"
        )


def _told(given_id: str, wish: Ask, answer: Answer | None) -> dict[str, Any]:
    refusal = answer.refusal if answer else None
    result = "waiting" if answer is None else "refused" if refusal else "done"
    return {
        "command_id": given_id,
        "command": wish.command.value,
        "offence_id": wish.offence_id,
        "result": result,
        "state": getattr(answer.event.data, "state", None) if answer else None,
        "event_id": answer.event.id if answer else None,
        "why": refusal.why.value if refusal else None,
        "explanation": refusal.explanation if refusal else None,
    }


def _whole_id(start: str, path: Path) -> str:
    """The one offence whose id begins like this; the text itself where none does."""
    ids = [each.offence_id for each in _stories(path) if each.offence_id.startswith(start)]
    if len(ids) > 1 and start not in ids:
        shown = ", ".join(ids[:5])
        raise typer.BadParameter(f"{start} could be {shown}", param_hint="OFFENCE")
    return ids[0] if len(ids) == 1 else start


def _stories(path: Path) -> list[OffenceStory]:
    from flows.story.offences import tell_offences

    with _open(path) as log:
        return sorted(tell_offences(_all(log)), key=lambda each: each.first_seen_at)


def _all(log: EventLog) -> Any:
    after = 0
    while page := log.read(after_seq=after, limit=5000):
        yield from (each.event for each in page)
        after = page[-1].seq


def _open(path: Path) -> EventLog:
    from event_log.log import EventLog

    if not path.exists():  # opening must not make one: --data may be mistyped
        raise Stop(
            f"no event log at {path}: nothing was recorded with this data folder yet; "
            "give another with --data, or start `forewarn run`"
        )
    return EventLog.open(path)


def _is_open(story: OffenceStory) -> bool:
    return story.state not in FINAL


def _as_json(story: OffenceStory) -> dict[str, Any]:
    values = asdict(story)
    values.pop("sightings")
    return values
