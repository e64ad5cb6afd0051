"""`forewarn notify`: try whether messages reach the people that the site file names."""

from __future__ import annotations

from typing import Annotated

import typer

from domain.errors import PutAside
from domain.site.loading import load_site
from flows.notices.message import compose_test
from forewarn.programs.secrets import read_secrets
from forewarn.terminal.options import JsonOption, SiteArgument, console, print_json

app = typer.Typer(
    no_args_is_help=True, help="Messages to people: try whether they arrive, before they must."
)


@app.callback()
def about() -> None:
    """Messages to people: try whether they arrive, before they must."""


@app.command("test")
def test(
    site_file: SiteArgument,
    to: Annotated[
        list[str] | None,
        typer.Option("--to", metavar="ID", help="This recipient only; may be given several times."),
    ] = None,
    json_out: JsonOption = False,
) -> None:
    """Send each recipient a message that says that it is a test, and tell what came of it.

    Addresses are read from the environment and from the file that FOREWARN_SECRETS names, as
    `forewarn run` does. Nothing is written to the event log. Exit code 65 when one did not go out.

    Example: DUTY_DESK='mailto://user:password@mail.city.example?to=desk@city.example'
    forewarn notify test my-site.yaml --to duty-desk
    """
    from flows.notices.senders import open_senders

    site = load_site(site_file)
    if unknown := sorted(set(to or ()) - {recipient.id for recipient in site.recipients}):
        known = ", ".join(recipient.id for recipient in site.recipients) or "none"
        raise PutAside(f"{site_file}: no recipient {', '.join(unknown)}; recipients: {known}")
    chosen = tuple(recipient for recipient in site.recipients if not to or recipient.id in to)
    senders = open_senders(site.model_copy(update={"recipients": chosen}), read_secrets())
    rows = []
    for recipient in chosen:
        sender = senders[recipient.id]
        answer = sender.send(compose_test(site.site, recipient.language), None)
        rows.append(
            {
                "recipient": recipient.id,
                "service": sender.service,
                "result": answer.outcome,
                "reason": answer.reason,
            }
        )
    if json_out:
        print_json({"messages": rows})
    for row in [] if json_out else rows:
        colour = "green" if row["result"] == "sent" else "red"
        why = f": {row['reason']}" if row["reason"] else ""
        console.print(
            f"{row['recipient']} by {row['service']}: [{colour}]{row['result']}[/{colour}]{why}",
            highlight=False,
        )
    if not rows and not json_out:
        console.print(f"{site_file} has no recipients; see docs/how-to/notifications.md")
    if any(row["result"] != "sent" for row in rows):
        raise typer.Exit(PutAside.exit_code)
