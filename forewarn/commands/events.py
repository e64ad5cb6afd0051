"""`forewarn events`: print logged events, for people and for other programs."""

from __future__ import annotations

import contextlib
import io
import os
import select
import sys
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import Stop, TryAgain
from domain.events.catalog import DATA_BY_TYPE
from event_log.rows import LoggedEvent
from forewarn.programs.logging_setup import set_up_logging
from forewarn.terminal.event_lines import HEADER, line, short_type
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    console,
    data_dir,
    print_json,
)

if TYPE_CHECKING:  # SQLAlchemy takes a while to load
    from event_log.log import EventLog

POLL_S = 0.2
PAGE = 500

app = typer.Typer(invoke_without_command=True, add_completion=False)

TypeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--type",
        metavar="TYPE",
        help="Only this type; may be given several times. 'offence.warned' is enough, "
        "'offence.*' is all about offences. `forewarn events types` lists them.",
    ),
]


@app.callback(
    help="""What happened, in the order in which it was logged: offences, warnings, evidence, cameras.

    With --json each line is one CloudEvent 1.0; its `sequence` is what --after takes. See
    docs/reference/events.md. Exit code 0: done, also after Ctrl-C and when the reader closed the pipe.
    75: the log is locked. 78: there is none, or it is damaged.

    Example: forewarn events --type offence.escalated

    Example: forewarn events --follow --json | jq -r .data.state
    """
)
def events(
    context: typer.Context,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what happens next, until Ctrl-C.")
    ] = False,
    type_: TypeOption = None,
    after: Annotated[
        int,
        typer.Option("--after", metavar="SEQ", min=0, help="Only what was logged after this one."),
    ] = 0,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="At most so many.")
    ] = None,
) -> None:
    """Print logged events."""
    if context.invoked_subcommand is not None:
        return

    set_up_logging("events")
    _speak_utf8()
    types = resolve_types(type_ or [])
    # Ctrl-C is how a follower is ended; a closed pipe means that the reader has had enough
    with contextlib.suppress(KeyboardInterrupt), _closed_pipe_ends_it():
        path = data_dir(data).events_db
        _print_pages(_pages(path, types, after, limit, follow), as_json)


@app.command("types")
def list_types(as_json: JsonOption = False) -> None:
    """List the types of events, with the JSON Schema file of each one's data."""
    from event_log.schema_files import FOLDER, file_name

    rows = [
        {
            "type": type_,
            "says": (kind.__doc__ or "").strip().splitlines()[0],
            "schema": str(FOLDER / file_name(type_)),
        }
        for type_, kind in DATA_BY_TYPE.items()
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        print(f"{row['type']}  ({short_type(row['type'])})\n    {row['says']}\n    {row['schema']}")


def resolve_types(wanted: list[str]) -> list[str] | None:
    """Return the full names of the types asked for; None (all) where none was.

    Raises:
        typer.BadParameter: one matches no type.
    """

    found: list[str] = []
    for pattern in wanted:
        matching = [
            type_
            for type_ in DATA_BY_TYPE
            if fnmatchcase(type_, pattern) or fnmatchcase(short_type(type_), pattern)
        ]
        if not matching:
            known = ", ".join(short_type(type_) for type_ in DATA_BY_TYPE)
            raise typer.BadParameter(f"no type is {pattern!r}; known: {known}", param_hint="--type")
        found += matching
    return sorted(set(found)) or None


def _pages(
    path: Path, types: list[str] | None, after: int, limit: int | None, follow: bool
) -> Iterator[list[LoggedEvent]]:
    """Read the log page by page; following, yield empty pages while nothing happens."""
    from event_log.log import LogReplaced

    log = _open(path, follow)
    seq, left = after, limit
    with log:
        if after > log.last_seq():
            console.print(f"note: the log ends at {log.last_seq()}, before --after {after}")
        while left is None or left > 0:
            try:
                page = log.read_page(seq, types, PAGE if left is None else min(PAGE, left))
            except TryAgain as error:
                if not follow or isinstance(error, LogReplaced):  # its numbers begin again
                    raise
                _wait_for_more()
                continue
            yield page.events
            seq = page.scanned_to
            left = None if left is None else left - len(page.events)
            if page.is_last:
                if not follow:
                    return
                _wait_for_more()


def _open(path: Path, waits: bool) -> EventLog:
    """Open the log for reading, which must not make one: --data may be mistyped."""
    from event_log.log import EventLog

    if not path.exists():
        if not waits:
            raise Stop(
                f"no event log at {path}: nothing was recorded with this data folder yet; "
                "give another with --data, or start `forewarn run`"
            )
        console.print(f"waiting for {path}", highlight=False)
        while not path.exists():
            _wait_for_more()
    return EventLog.open(path)


def _print_pages(pages: Iterator[list[LoggedEvent]], as_json: bool) -> None:
    from event_log.cloud_events import to_json

    headed = as_json
    for page in pages:
        if page and not headed:
            print(HEADER)
            headed = True
        for logged in page:
            print(to_json(logged) if as_json else line(logged))
        sys.stdout.flush()


def _wait_for_more() -> None:
    """Pause, and end where nobody reads the output any more; a write would only notice later."""
    try:
        output = sys.stdout.fileno()
    except (OSError, ValueError):  # no real file: a test's buffer
        time.sleep(POLL_S)
        return
    watch = select.poll()
    watch.register(output, 0)  # errors are always reported
    if any(happened & select.POLLERR for _, happened in watch.poll(1000 * POLL_S)):
        raise BrokenPipeError


@contextlib.contextmanager
def _closed_pipe_ends_it() -> Iterator[None]:
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more at its end and would complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _speak_utf8() -> None:
    """Print UTF-8 whatever the terminal's locale says: JSON needs it, and events hold Chinese."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
