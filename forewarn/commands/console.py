"""`forewarn console`: the pages that an operator looks at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from domain.site_file import load_site
from forewarn.options import DEFAULT_DATA, DataOption, KeysOption, console, data_dir, keys_dir


def console_command(
    data: DataOption = DEFAULT_DATA,
    site: Annotated[
        Path | None,
        typer.Option(
            "--site", metavar="FILE", help="Site file: titles, zones, time zone. Else ids and UTC."
        ),
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")] = 5006,
    address: Annotated[
        str,
        typer.Option(
            "--address", help="Listen here; others than this machine need a list of people."
        ),
    ] = "127.0.0.1",
    triton: Annotated[
        str | None,
        typer.Option(
            "--triton", metavar="HOST:PORT", help="Model server for search by uploaded picture."
        ),
    ] = None,
    keys: KeysOption = None,
    lang: Annotated[
        str | None, typer.Option("--lang", metavar="zh|en", help="Else what the browser prefers.")
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            "--origin", metavar="HOST:PORT", help="Name behind a proxy; may be given several times."
        ),
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the live page in a browser.")
    ] = False,
) -> None:
    """Serve the operator's pages: /live (cameras, offences) and /search (similar evidence).

    It only reads what `forewarn run` writes to the data folder, so it may start before, after or
    without it. Where the site has a list of people (`forewarn people`), everybody logs in. Stop it with
    Ctrl-C.

    Example: forewarn console --site samples/site.yaml --lang zh --open
    """
    # imported here: Panel takes seconds to load
    from dashboards.serve import serve
    from dashboards.settings import ConsoleSettings
    from dashboards.texts import LANGS

    chosen = next((each for each in LANGS if each == lang), None)
    if lang is not None and chosen is None:
        raise typer.BadParameter(f"needs zh or en, got {lang}", param_hint="--lang")
    settings = ConsoleSettings(
        data=data_dir(data),
        site=load_site(site) if site else None,
        address=address,
        port=port,
        triton=triton,
        keys=keys_dir(keys),
        lang=chosen,
        also_known_as=tuple(origin or ()),
    )

    def ready(page: str) -> None:
        console.print(f"console: {page}  (Ctrl-C stops it)", highlight=False)
        if open_browser:
            typer.launch(page)

    serve(settings, ready)
