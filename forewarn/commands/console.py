"""`forewarn console`: serve the operator's pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dashboards.settings import ConsoleSettings, TlsFiles
from dashboards.texts import LANGS
from domain.data_dir import DataDir
from domain.site.loading import load_site
from domain.site.site import Site
from event_log.site_in_force import find_site_in_force
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    KeysOption,
    console,
    data_dir,
    keys_dir,
)

TlsCertificateOption = Annotated[
    Path | None,
    typer.Option(
        "--tls-certificate",
        metavar="FILE",
        help="Serve https: a certificate in PEM, with those that it stands on; needs --tls-key.",
    ),
]
TlsKeyOption = Annotated[
    Path | None,
    typer.Option("--tls-key", metavar="FILE", help="Its key in PEM, without a password."),
]


def tls_files(certificate: Path | None, key: Path | None) -> TlsFiles | None:
    """Return what pages are served with by TLS; None: by plain HTTP. BadParameter: one of two is missing."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise typer.BadParameter("TLS needs both --tls-certificate and --tls-key")
    # links stay: who renews a certificate turns them to the new one
    return TlsFiles(certificate.absolute(), key.absolute())


def console_command(
    data: DataOption = DEFAULT_DATA,
    site: Annotated[
        Path | None,
        typer.Option(
            "--site",
            metavar="FILE",
            help="Site file: titles, zones, time zone. Else the one in force; none: ids and UTC.",
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
    tls_certificate: TlsCertificateOption = None,
    tls_key: TlsKeyOption = None,
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

    chosen = next((known for known in LANGS if known == lang), None)
    if lang is not None and chosen is None:
        raise typer.BadParameter(f"needs zh or en, got {lang}", param_hint="--lang")
    folder = data_dir(data)
    settings = ConsoleSettings(
        data=folder,
        site=load_site(site) if site else _site_in_force(folder),
        address=address,
        port=port,
        triton=triton,
        keys=keys_dir(keys),
        lang=chosen,
        also_known_as=tuple(origin or ()),
        tls=tls_files(tls_certificate, tls_key),
    )

    def ready(page: str) -> None:
        console.print(f"console: {page}  (Ctrl-C stops it)", highlight=False)
        if open_browser:
            typer.launch(page)

    serve(settings, ready)


def _site_in_force(data: DataDir) -> Site | None:
    revision = find_site_in_force(data)
    return revision.site if revision else None
