"""`forewarn evidence describe`: make evidence searchable by optional models; a live run does it by itself."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from domain.errors import Stop
from forewarn.programs.supervision.run_lock import program_lock
from forewarn.programs.triton import serving
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    console,
    data_dir,
    print_json,
)
from models.likeness.space import is_likeness_built
from models.text_search.installed import installed_pair


def describe(
    if_installed: Annotated[
        bool,
        typer.Option("--if-installed", help="Do nothing where there is no such model."),
    ] = False,
    triton: Annotated[
        str | None,
        typer.Option(
            "--triton",
            metavar="HOST:PORT",
            help="Ask this Triton server; else the one that runs for the data folder, else one "
            "started for it.",
        ),
    ] = None,
    data: DataOption = DEFAULT_DATA,
    in_json: JsonOption = False,
) -> None:
    """Describe evidence by the likeness model and the installed pair, so that `search` finds it by them.

    Looks at every record that such a model has not looked at: after one was installed, all of them.
    Another model's vectors stay where they are and are not used. Masked pictures are looked at only.
    A run with cameras does this by itself, two minutes after evidence was sealed.

    Example: forewarn evidence describe
    """
    installed, folder = installed_pair(), data_dir(data)
    if installed is None and not is_likeness_built():
        if if_installed:
            return
        raise Stop(
            "there is no model to describe evidence with: `forewarn models build likeness` fetches one for "
            "likeness, `forewarn models pair install FILE.toml` a pair for words (docs/how-to/models.md)"
        )
    if not folder.lancedb.exists():
        console.print("No evidence yet.")
        return
    from forewarn.evidence.describe import describe_evidence, describers_of
    from models.serving.client import connect

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        program_lock(folder, "evidence-describe"),
        serving(triton, folder) as server,
        connect(server.address, deadline_s=60.0) as connection,
        Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bars,
    ):
        describers = describers_of(connection, installed)
        told = []
        for each in describers:
            task = bars.add_task(f"describing by {each.space.name}", total=None)
            show = partial(_show, bars, task)
            told.append((each.space, describe_evidence(folder, each, show)))
    for space, done in told:
        described = done.records - done.without_picture
        if in_json:
            facts = {"described": described, "without_picture": done.without_picture}
            print_json({"by": str(space), **facts})
            continue
        console.print(
            f"{described:,} records described by {space}; {done.without_picture:,} have no picture of "
            "their subject",
            highlight=False,
        )


def _show(bars: Progress, task: TaskID, done: int, of: int) -> None:
    bars.update(task, completed=done, total=of)
