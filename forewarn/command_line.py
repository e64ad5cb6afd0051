"""Build the command line, `forewarn --help`, from the groups in commands/."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Annotated

import typer
from rich.markup import escape

from domain.errors import ForewarnError, full_disks_in_words
from flows.signals import signals_as_usual
from forewarn import __version__
from forewarn.terminal.options import console as terminal

# command or group: where in commands/ it is written, under which name
COMMANDS = {
    "check": "check:check",
    "run": "run:run",
    "up": "up:up",
    "site": "site:app",
    "triton": "triton:app",
    "models": "models.group:app",
    "events": "events:app",
    "offences": "offences:app",
    "alarms": "alarms:app",
    "evidence": "evidence.group:app",
    "keys": "keys.signing:app",
    "people": "people.edit:app",
    "notify": "notify:app",
    "backup": "backup:app",
    "audit": "audit:audit",
    "console": "console:console_command",
}
# commands that end in order when they are asked to; a signal ends the others
LOOKS_AT_SIGNALS = ("run", "up")


def build_app(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Build the command line with these of its commands; only what belongs to them is imported."""
    app = typer.Typer(
        name="forewarn",
        no_args_is_help=True,
        add_completion=False,
        # a traceback that shows variables would show passwords
        pretty_exceptions_show_locals=False,
        help="See it, say it, see whether it stops, and only then send a person.",
    )
    app.callback(invoke_without_command=True, no_args_is_help=True)(front_door)
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(f"forewarn.commands.{module}"), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


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
    # loading all of them takes a second longer than loading the one that was asked for
    asked = [name for name in sys.argv[1:2] if name in COMMANDS]
    try:
        with full_disks_in_words():
            build_app(asked or COMMANDS)()
    except ForewarnError as error:
        terminal.print(f"[red]error:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
