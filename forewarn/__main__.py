"""The command line: `forewarn --help`."""

from __future__ import annotations

import sys

import typer

from domain.errors import ForewarnError
from forewarn.commands import check, console, events, run, up
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
app.command("console")(console.console_command)
app.add_typer(events.app, name="events")


def main() -> None:
    """Run the command line; errors that forewarn raises on purpose end with their exit code."""
    try:
        app()
    except ForewarnError as error:
        terminal.print(f"[red]error:[/red] {error}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
