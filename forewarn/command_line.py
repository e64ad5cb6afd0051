"""Build the command line, `forewarn --help`, from the groups in commands/."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.markup import escape

from domain.errors import ForewarnError, full_disks_in_words
from flows.signals import signals_as_usual
from forewarn import __version__
from forewarn.commands import (
    audit,
    backup,
    check,
    console,
    events,
    notify,
    offences,
    run,
    site,
    triton,
    up,
)
from forewarn.commands.evidence import group as evidence
from forewarn.commands.keys import signing as keys
from forewarn.commands.models import group as models
from forewarn.commands.people import edit as people
from forewarn.terminal.options import console as terminal

# commands that end in order when they are asked to; a signal ends the others
LOOKS_AT_SIGNALS = ("run", "up")

app = typer.Typer(
    name="forewarn",
    no_args_is_help=True,
    add_completion=False,
    # a traceback that shows variables would show passwords
    pretty_exceptions_show_locals=False,
    help="See it, say it, see whether it stops, and only then send a person.",
)

app.command("check")(check.check)
app.command("run")(run.run)
app.command("up")(up.up)
app.add_typer(site.app, name="site")
app.add_typer(triton.app, name="triton")
app.add_typer(models.app, name="models")
app.add_typer(events.app, name="events")
app.add_typer(offences.app, name="offences")
app.add_typer(evidence.app, name="evidence")
app.add_typer(keys.app, name="keys")
app.add_typer(people.app, name="people")
app.add_typer(notify.app, name="notify")
app.add_typer(backup.app, name="backup")
app.command("audit")(audit.audit)
app.command("console")(console.console_command)


@app.callback(invoke_without_command=True, no_args_is_help=True)
def front_door(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", is_eager=True)
    ] = False,
) -> None:
    """See it, say it, see whether it stops, and only then send a person."""
    if version:
        print(__version__)
        raise typer.Exit
    if context.invoked_subcommand not in LOOKS_AT_SIGNALS and (number := signals_as_usual()):
        raise typer.Exit(128 + number)


def run_command_line() -> None:
    """Run what was asked for; errors that forewarn raises on purpose end with their exit code."""
    try:
        with full_disks_in_words():
            app()
    except ForewarnError as error:
        terminal.print(f"[red]error:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
