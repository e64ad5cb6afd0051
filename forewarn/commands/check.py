"""`forewarn check`: is this site file right, and can its cameras be read?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from domain.errors import ForewarnError, PutAside, Stop
from domain.facts import Fault
from domain.site import Camera, Site
from domain.site_file import SiteFileError, name_lines
from forewarn.checked_site import load_checked_site, refuse
from forewarn.options import JsonOption, SiteArgument, console, print_json


def check(
    site_file: SiteArgument,
    cameras: Annotated[
        bool,
        typer.Option("--cameras/--no-cameras", help="Also open each camera and read one frame."),
    ] = True,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the site file's JSON Schema, for editors.")
    ] = False,
    json_out: JsonOption = False,
) -> None:
    """Check a site file before it goes live; every fault is named with its line.

    Exit code 0: all well. 78: the file cannot be used. 65: a camera cannot be read.

    Example: forewarn check samples/site.yaml
    """
    if schema:
        print_json(Site.model_json_schema())
        return
    try:
        site = load_checked_site(site_file)
        notes = _check_calls(site, site_file) + _check_addresses(site, site_file)
    except SiteFileError as error:
        _tell_faults(error.problems, json_out)
        raise typer.Exit(error.exit_code) from None
    rows = [_try_camera(camera, site_file.parent) for camera in site.cameras] if cameras else []
    if json_out:
        print_json({"site": site.site.id, "problems": [], "notes": notes, "cameras": rows})
    else:
        _show(site, rows, notes)
    if any(row["problem"] for row in rows):
        raise typer.Exit(PutAside.exit_code)


def _check_calls(site: Site, site_file: Path) -> list[str]:
    """Notes about calls, each with its line.

    Raises:
        SiteFileError: some can never be heard.
    """
    from flows.call_check import call_faults, try_calls
    from flows.site_faults import unheard_faults

    faults = [*call_faults(site, site_file.parent), *unheard_faults(site)]
    notes: list[Fault] = []
    if not faults:
        faults, notes = try_calls(site, site_file.parent)
    refuse(site_file, faults)
    return name_lines(site_file, notes)


def _check_addresses(site: Site, site_file: Path) -> list[str]:
    """Notes about recipients whose address is not set on this machine.

    Raises:
        SiteFileError: one is set and apprise cannot use it.
    """
    if not site.recipients:
        return []
    from flows.notices.apprise_sender import AppriseSender  # takes a second to load
    from forewarn.secrets import read_secrets

    secrets = read_secrets()
    faults: list[Fault] = []
    notes: list[Fault] = []
    for row, recipient in enumerate(site.recipients):
        place = ("recipients", row, "url_env")
        if not (url := secrets.get(recipient.url_env)):
            words = "is not set here; without it `forewarn run` stops at its start"
            notes.append((place, f"{recipient.url_env} {words}"))
            continue
        try:
            AppriseSender(recipient.id, url)
        except Stop as error:
            faults.append((place, str(error)))
    refuse(site_file, faults)
    return name_lines(site_file, notes)


def _tell_faults(problems: list[str], json_out: bool) -> None:
    if json_out:
        print_json({"problems": problems})
    for problem in [] if json_out else problems:
        console.print(f"[red]fault:[/red] {problem}", highlight=False, soft_wrap=True)


def _try_camera(camera: Camera, base: Path) -> dict[str, Any]:
    """Open one camera and decode a frame."""
    from flows.sources.automatic_views import views_of
    from flows.sources.footage import open_footage

    row: dict[str, Any] = {"camera": camera.id, "url": camera.url, "problem": ""}
    try:
        container, stream = open_footage(camera, base)
        with container:
            frame = next(container.decode(stream), None)
            if frame is None:
                raise PutAside(f"{camera.id}: {camera.url}: opens, but no frame can be decoded")
            row |= {
                "width_px": frame.width,
                "height_px": frame.height,
                "codec": stream.codec_context.name,
                "fps": round(float(stream.average_rate or 0), 3),
                "views": [
                    [round(side, 2) for side in view]
                    for view in views_of(camera, frame.width, frame.height)
                ],
            }
    except (ForewarnError, OSError, ValueError) as error:
        row["problem"] = str(error)
    return row


def _show(site: Site, rows: list[dict[str, Any]], notes: list[str]) -> None:
    console.print(
        f"[green]ok[/green] {site.site.id}: {len(site.cameras)} cameras, "
        f"{sum(len(c.zones) for c in site.cameras)} zones, {len(site.rules)} rules, "
        f"{len(site.ladders)} ladders"
    )
    if not site.rules:
        console.print("[yellow]note:[/yellow] no rules: cameras are watched, nothing is an offence")
    for note in notes:
        console.print(f"[yellow]note:[/yellow] {note}", highlight=False, soft_wrap=True)
    if not rows:
        return
    table = Table(box=None, header_style="bold")
    for heading in ("camera", "picture", "codec", "fps", "looked at", "state"):
        table.add_column(heading)
    for row in rows:
        picture = f"{row.get('width_px', '?')}x{row.get('height_px', '?')}"
        state = f"[red]{row['problem']}[/red]" if row["problem"] else "[green]readable[/green]"
        table.add_row(
            row["camera"],
            picture,
            row.get("codec", "?"),
            str(row.get("fps", "?")),
            " ".join(str(view) for view in row.get("views", ())) or "whole",
            state,
        )
    console.print(table)
