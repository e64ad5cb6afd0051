"""Options and ways of printing that all commands share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from domain.data_dir import DataDir, close_to_others
from domain.errors import Stop

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
FingerprintOption = Annotated[
    list[str] | None,
    typer.Option(
        "--fingerprint",
        metavar="HEX",
        envvar="FOREWARN_FINGERPRINT",
        help="Of the site's signing key, as it was published; may be given again. Kept outside the data "
        "folder, it pins whose signatures count.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs to read.")]

# people read stderr, programs read stdout: a pipe never gets a progress bar
console = Console(stderr=True)


def data_dir(path: Path) -> DataDir:
    """Return the data folder's layout, from --data."""
    return DataDir(path.expanduser().resolve())


def closed_data_dir(path: Path) -> DataDir:
    """Return the data folder's layout for a run: made where there is none, and closed to others."""
    data = data_dir(path)
    for left_open in close_to_others(data):
        show_trouble(
            f"{left_open} belongs to somebody else and stays open to others; chmod o-rwx it"
        )
    return data


def keys_dir(path: Path | None) -> Path | None:
    """Return the private key's folder, from --keys; None: the data folder's own."""
    return path.expanduser().resolve() if path else None


def fingerprints(given: list[str] | None) -> list[str]:
    """Return fingerprints as key ids are written; Stop where one is none."""
    ids = ["".join(each.split()).replace(":", "").lower() for each in given or []]
    for each in ids:
        if len(each) != 64 or each.strip("0123456789abcdef"):
            raise Stop(f"--fingerprint: needs 64 hexadecimal digits, got {each!r}")
    return ids


def print_json(value: Any) -> None:
    """Print one JSON value on a line of stdout; dates as ISO 8601."""
    print(json.dumps(value, ensure_ascii=False, default=str), flush=True)


def show_trouble(words: str) -> None:
    """Show people that something went wrong and is being dealt with; words need not be printable."""
    said = f"[yellow]trouble:[/yellow] {printable(words)}"
    console.print(said, highlight=False, soft_wrap=True)


def printable(words: str) -> str:
    """Make words safe to print: reasons quote cameras, and nothing may steer the terminal or be markup."""
    return escape("".join(letter if letter.isprintable() else "\ufffd" for letter in words))
