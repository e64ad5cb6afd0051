"""The command line: `forewarn --help`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from domain.errors import ForewarnError
from forewarn import __version__
from forewarn.commands import (
    audit,
    backup,
    check,
    console,
    events,
    evidence,
    keys,
    models,
    notify,
    offences,
    people,
    run,
    triton,
    up,
)
from forewarn.options import console as terminal

app = typer.Typer(
    name="forewarn",
    no_args_is_help=True,
    add_completion=False,
    help="See it, say it, see whether it stops, and only then send a person.",
)

app.command("check")(check.check)
app.command("run")(run.run)
app.command("up")(up.up)
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
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", is_eager=True)
    ] = False,
) -> None:
    """See it, say it, see whether it stops, and only then send a person."""
    if version:
        print(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; errors that forewarn raises on purpose end with their exit code."""
    try:
        app()
    except ForewarnError as error:
        terminal.print(f"[red]error:[/red] {error}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
