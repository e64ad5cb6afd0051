"""Options and ways of printing that all commands share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from domain.data_dir import DataDir

DEFAULT_DATA = Path("var")

SiteArgument = Annotated[Path, typer.Argument(metavar="SITE", help="The site file (YAML).")]
DataOption = Annotated[
    Path,
    typer.Option(
        "--data", metavar="DIR", help="Folder for events, evidence and everything else kept."
    ),
]
KeysOption = Annotated[
    Path | None,
    typer.Option(
        "--keys",
        metavar="DIR",
        envvar="FOREWARN_KEYS",
        help="Folder of the site's private key; else keys/ in the data folder.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs to read.")]

# people read stderr, programs read stdout: a pipe never gets a progress bar
console = Console(stderr=True)


def data_dir(path: Path) -> DataDir:
    """The data folder's layout, from --data."""
    return DataDir(path.expanduser().resolve())


def keys_dir(path: Path | None) -> Path | None:
    """The private key's folder, from --keys; None: the data folder's own."""
    return path.expanduser().resolve() if path else None


def print_json(value: Any) -> None:
    """Print one JSON value on a line of stdout; dates as ISO 8601."""
    print(json.dumps(value, ensure_ascii=False, default=str), flush=True)


def tell_trouble(words: str) -> None:
    """Show people that something went wrong and is being dealt with."""
    console.print(f"[yellow]trouble:[/yellow] {words}", highlight=False, soft_wrap=True)
