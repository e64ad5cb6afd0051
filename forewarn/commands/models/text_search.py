"""`forewarn models pair`: manage the pair of models for searching evidence by words."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from forewarn.terminal.options import JsonOption, console, print_json
from models.text_search.installed import installed_pair, pair_folder

app = typer.Typer(
    no_args_is_help=True,
    help="A picture-and-text pair (CLIP and its kind) that a site brings, for "
    "`forewarn evidence search --text`.",
)


@app.command()
def install(
    spec: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.toml", help="Sources, hashes, licence; see docs/how-to/models.md."
        ),
    ],
    in_json: JsonOption = False,
) -> None:
    """Fetch both towers and the tokenizer, check their hashes, build them for Triton, try them.

    Goes into FOREWARN_TEXT_SEARCH, else var/models/text_search. One pair at a time: another one's
    vectors are not comparable, so evidence is described anew (`forewarn evidence describe`). A server
    that runs already has to be started again; one elsewhere needs the two folders of its triton_repo/.

    Example: forewarn models pair install clip.toml
    """
    # OpenCV and Triton's client take a while to load
    from models.text_search.install import install_pair

    with Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), console=console
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done_bytes: int, total_bytes: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total_bytes or None)
            bars.update(tasks[what], completed=done_bytes)

        made = install_pair(spec, progress=show)
    if in_json:
        print_json({"pair": str(made.pair.pair_id), "folder": str(made.folder)})
        return
    console.print(
        f"{made.pair.pair_id}: installed in {made.folder}; licence {made.pair.licence}; texts in "
        f"{', '.join(made.pair.languages)}. Next: forewarn evidence describe",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def show(in_json: JsonOption = False) -> None:
    """Which pair is installed, if any.

    Example: forewarn models pair show --json
    """
    found = installed_pair()
    if in_json:
        print_json(
            found and {**found.pair.model_dump(mode="json"), "pair": str(found.pair.pair_id)}
        )
        return
    if found is None:
        console.print("No pair is installed: evidence cannot be searched by words.")
        return
    pair = found.pair
    for name, value in (
        ("pair", str(pair.pair_id)),
        ("licence", pair.licence),
        ("trained on", pair.trained_on),
        ("texts in", ", ".join(pair.languages)),
        ("folder", str(found.folder)),
    ):
        console.print(f"{name}: {value}", highlight=False, soft_wrap=True)


@app.command()
def remove() -> None:
    """Take the pair away; vectors that were made by it stay in the evidence store.

    Example: forewarn models pair remove
    """
    shutil.rmtree(pair_folder(), ignore_errors=True)
    console.print("No pair is installed now.")
