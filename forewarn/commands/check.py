"""`forewarn check`: check a site file, its cameras and its recipients before it goes live."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from domain.base import Fault
from domain.cameras.credentials import credentials_of
from domain.errors import ForewarnError, PutAside, Stop
from domain.site.cameras import Camera
from domain.site.loading import SiteFileError, name_lines
from domain.site.site import Site
from forewarn.programs.secrets import read_secrets
from forewarn.terminal.checked_site import load_checked_site, refuse
from forewarn.terminal.options import JsonOption, SiteArgument, console, print_json, printable

# of a camera, until one shows a picture: 40 s at 25 a second
MOST_PACKETS = 1000


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
        notes += _check_detectors(site, site_file)
    except SiteFileError as error:
        _print_faults(error.problems, json_out)
        raise typer.Exit(error.exit_code) from None
    tried = site.cameras if cameras else ()
    secrets = read_secrets() if tried else {}
    rows = [_try_camera(site, camera, site_file.parent, secrets) for camera in tried]
    if json_out:
        print_json({"site": site.site.id, "problems": [], "notes": notes, "cameras": rows})
    else:
        _show(site, rows, notes)
    if any(row["problem"] for row in rows):
        raise typer.Exit(PutAside.exit_code)


def _check_calls(site: Site, site_file: Path) -> list[str]:
    """Print notes about the site's calls, each with its line.

    Raises:
        SiteFileError: some can never be heard.
    """
    from flows.site_checks.calls import call_faults, try_calls
    from flows.site_checks.rules import unheard_faults

    faults = [*call_faults(site, site_file.parent), *unheard_faults(site)]
    notes: list[Fault] = []
    if not faults:
        faults, notes = try_calls(site, site_file.parent)
    refuse(site_file, faults)
    return name_lines(site_file, notes)


def _check_addresses(site: Site, site_file: Path) -> list[str]:
    """Print notes about recipients whose address is not set on this machine.

    Raises:
        SiteFileError: one is set and apprise cannot use it.
    """
    if not site.recipients:
        return []
    from flows.notices.apprise_sender import AppriseSender  # takes a second to load

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


def _check_detectors(site: Site, site_file: Path) -> list[str]:
    """Return notes about the detectors that it names; that there are such was checked."""
    from flows.site_checks.detectors import detector_notes
    from models.building import why_not_built
    from models.registry import read_registry

    registry = read_registry()
    built = [name for name in registry.detectors if why_not_built(registry.model(name)) is None]
    return name_lines(site_file, list(detector_notes(site, registry, built)))


def _print_faults(problems: list[str], json_out: bool) -> None:
    if json_out:
        print_json({"problems": problems})
    for problem in [] if json_out else problems:
        console.print(f"[red]fault:[/red] {printable(problem)}", highlight=False, soft_wrap=True)


def _try_camera(
    site: Site, camera: Camera, base: Path, secrets: Mapping[str, str]
) -> dict[str, Any]:
    """Open one camera and decode a frame."""
    from evidence_store.media.faults import media_faults
    from flows.sources.automatic_views import views_of
    from flows.sources.media.footage import open_footage

    row: dict[str, Any] = {"camera": camera.id, "url": camera.url, "problem": ""}
    try:
        with media_faults(), ExitStack() as stack:
            container, stream = open_footage(
                camera, base, credentials=credentials_of(camera, secrets)
            )
            stack.enter_context(container)
            packets = islice(container.demux(stream), MOST_PACKETS)  # a stream may never show one
            frame = next((frame for packet in packets for frame in packet.decode()), None)
            if frame is None:
                raise PutAside(f"{camera.id}: {camera.url}: opens, but no frame can be decoded")
            areas = site.watched_areas(camera.id)
            views = views_of(camera, areas, frame.width, frame.height)
            row |= {
                "width_px": frame.width,
                "height_px": frame.height,
                "codec": stream.codec_context.name,
                "fps": round(float(stream.average_rate or 0), 3),
                "views": [[round(side, 2) for side in view] for view in views],
            }
    except ForewarnError as error:
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
        console.print(f"[yellow]note:[/yellow] {printable(note)}", highlight=False, soft_wrap=True)
    if not rows:
        return
    table = Table(box=None, header_style="bold")
    for heading in ("camera", "picture", "codec", "fps", "looked at"):
        table.add_column(heading)
    table.add_column("state", overflow="fold")  # a path that is too long for a line is not cut off
    for row in rows:
        picture = f"{row.get('width_px', '?')}x{row.get('height_px', '?')}"
        state = (
            f"[red]{printable(row['problem'])}[/red]"
            if row["problem"]
            else "[green]readable[/green]"
        )
        table.add_row(
            row["camera"],
            picture,
            row.get("codec", "?"),
            str(row.get("fps", "?")),
            " ".join(str(view) for view in row.get("views", ())) or "whole",
            state,
        )
    console.print(table)
