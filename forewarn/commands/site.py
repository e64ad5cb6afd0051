"""`forewarn site`: put a changed site file in force, and see which ones were."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from domain.data_dir import DataDir
from domain.errors import PutAside, Stop, TryAgain
from domain.events.catalog import SiteApplied
from domain.site.revisions import SiteContent, SiteRevision, SiteRevisions
from event_log.site_in_force import applied_in, find_site_in_force
from forewarn.programs.supervision.run_lock import find_run
from forewarn.site.differences import Difference, differences
from forewarn.site.put_in_force import (
    AppliedBy,
    InForce,
    alone,
    put_in_force,
    read_checked_content,
)
from forewarn.terminal.identity import ByOption, who_asks
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    KeysOption,
    console,
    data_dir,
    keys_dir,
    print_json,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="The site file in force: a run reads a frozen revision of it, not the file that you edit. "
    "See docs/how-to/change-the-site.md.",
)


@app.command("apply")
def apply(
    site_file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[SITE]",
            help="The site file (YAML); else the one that is in force was read from.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check it and say what differs; change nothing.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")] = "",
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Check a changed site file, say what differs, and put it in force.

    A live run restarts its programs with it; open offences go on, and those whose camera or rule is
    gone end as unknown. Where nothing runs it counts from the next start. Exit code 78: the file has
    faults, 75: footage is being played (--until-end). What is in force then stays.

    Example: forewarn site apply site.yaml --dry-run

    Example: forewarn site apply --data var/site --reason "east gate closed in winter"
    """
    folder = data_dir(data)
    content = read_checked_content(site_file or _source_in_force(folder))
    _check_same_site(folder, content)
    if dry_run:
        _show(_compare(_readable_in_force(folder), content), None, folder, as_json)
        return
    asker = who_asks(folder, by, keys_dir(keys))
    with alone(folder):
        if find_run(folder) == "footage":
            raise TryAgain(
                f"{folder.root}: footage is being played (--until-end), by the site file it was begun "
                "with; apply again when it has ended, or start the next run with the new file"
            )
        found = _compare(_readable_in_force(folder), content)
        done = put_in_force(
            content, folder, AppliedBy(asker.name, asker.person_id or "", reason.strip())
        )
    _show(found, done, folder, as_json)


@app.command("list")
def list_revisions(data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """List the revisions of the site file: which is in force, since when, by whom and why.

    Example: forewarn site list --data var/site
    """
    folder = data_dir(data)
    in_force = applied_in(folder)
    rows = [_row(folder, number, in_force) for number in SiteRevisions(folder.site).numbers()]
    if as_json:
        for row in rows:
            print_json(row)
        return
    if not rows:
        console.print(f"{folder.root}: no site file was in force here yet.", highlight=False)
        return
    table = Table(box=None, header_style="bold")
    for heading in ("revision", "", "sha256", "frozen (UTC)", "by", "reason", "from"):
        table.add_column(heading)
    for row in rows:
        mark = "[green]in force[/green]" if row["in_force"] else ""
        at = row["frozen_at"][:19].replace("T", " ")
        words = [str(row["revision"]), mark, row["sha256"][:12], at]
        table.add_row(*words, row["by"], row["reason"], row["source"])
    console.print(table)


@app.command("show")
def show(
    number: Annotated[
        int | None, typer.Argument(metavar="[REVISION]", min=1, help="Else the one in force.")
    ] = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Print a revision of the site file as it was frozen, to read it or to go back to it.

    Example: forewarn site show 2 > site.yaml
    """
    folder = data_dir(data)
    in_force = applied_in(folder)
    chosen = number or (in_force.revision if in_force else None)
    if chosen is None:
        raise Stop(f"{folder.root}: no site file is in force here; forewarn site apply SITE")
    revisions = SiteRevisions(folder.site)
    if chosen not in revisions.numbers():
        known = ", ".join(map(str, revisions.numbers())) or "none"
        raise PutAside(f"{folder.root}: no site revision {chosen}; there are: {known}")
    facts = revisions.facts(chosen)
    content = revisions.yaml(chosen).read_bytes()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
    console.print(f"site revision {chosen}, from {facts.source}", highlight=False, soft_wrap=True)


def _check_same_site(data: DataDir, content: SiteContent) -> None:
    applied, site_id = applied_in(data), content.site.site.id
    if applied is not None and applied.site_id != site_id:
        raise Stop(
            f"{content.source}: is of site {site_id!r}, and {data.root} holds what happened at "
            f"{applied.site_id!r}; name that site's data folder with --data"
        )


def _source_in_force(data: DataDir) -> Path:
    applied = applied_in(data)
    if applied is None:
        raise Stop(
            f"{data.root}: no site file is in force here yet; name one: forewarn site apply SITE"
        )
    return Path(SiteRevisions(data.site).facts(applied.revision).source)


def _readable_in_force(data: DataDir) -> SiteRevision | None:
    """Read what is in force; None: nothing is, or it is damaged, which applying a site file mends."""
    try:
        return find_site_in_force(data)
    except Stop as error:
        console.print(f"[yellow]note:[/yellow] {error}", highlight=False, soft_wrap=True)
        return None


def _compare(before: SiteRevision | None, content: SiteContent) -> list[Difference]:
    if before is None:
        return []
    return differences(before.site, content.site, before.facts.files, content.file_hashes())


def _show(found: list[Difference], done: InForce | None, data: DataDir, as_json: bool) -> None:
    """Print what differs, and what came of it; `done` None: nothing was asked to come of it."""
    applied = applied_in(data)
    in_force = applied.revision if applied else None
    if as_json:
        changes = [
            {"part": each.part, "name": each.name, "change": each.change, "settings": each.settings}
            for each in found
        ]
        was = done.before if done else in_force
        print_json({"in_force": in_force, "before": was, "changes": changes})
        return
    if found:
        table = Table(box=None, header_style="bold")
        for heading in ("part", "id", "change", "settings"):
            table.add_column(heading)
        for each in found:
            table.add_row(each.part, each.name, each.change, ", ".join(each.settings))
        console.print(table)
    console.print(_outcome(found, done, data, in_force), highlight=False, soft_wrap=True)


def _outcome(
    found: list[Difference], done: InForce | None, data: DataDir, in_force: int | None
) -> str:
    if done is None:
        what = "nothing of it" if not found else f"{len(found)} differences"
        stays = (
            f"revision {in_force} stays in force" if in_force else "no site file is in force yet"
        )
        return f"the file is sound; {what if in_force else 'it'} would be put in force; {stays}"
    number = done.revision.number
    if done.was_restored:
        return f"revision {number} was damaged: written again, and in force"
    if done.before == number:
        return f"the file says what is in force already, revision {number}"
    what_follows = (
        "the run restarts its programs with it"
        if find_run(data) == "live"
        else "no run is on: it counts from the next start"
    )
    return f"revision {number} is in force; {what_follows}"


def _row(data: DataDir, number: int, in_force: SiteApplied | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "revision": number,
        "in_force": in_force is not None and in_force.revision == number,
    }
    try:
        facts = SiteRevisions(data.site).facts(number)
    except Stop:
        return row | {"sha256": "", "frozen_at": "", "by": "", "reason": "damaged", "source": ""}
    kept = facts.model_dump(mode="json")
    return row | {name: kept[name] for name in ("sha256", "frozen_at", "by", "reason", "source")}
