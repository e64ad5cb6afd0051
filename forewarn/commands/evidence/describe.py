"""`forewarn evidence describe`: make evidence searchable by optional models; a live run does it by itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from domain.data_dir import DataDir
from domain.errors import Stop
from evidence_store.table_of_vault import open_evidence_table
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

if TYPE_CHECKING:
    from evidence_store.search.picture_vectors import VectorSpace
    from forewarn.evidence.describe import Described

TritonOption = Annotated[
    str | None,
    typer.Option(
        "--triton",
        metavar="HOST:PORT",
        help="Ask this Triton server; else the one that runs for the data folder, else one "
        "started for it.",
    ),
]


def describe(
    if_installed: Annotated[
        bool,
        typer.Option("--if-installed", help="Do nothing where there is no such model."),
    ] = False,
    triton: TritonOption = None,
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
    if open_evidence_table(folder).lance is None:
        console.print("No evidence yet.")
        return
    for space, done in describe_by_all(folder, triton):
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


def describe_by_all(folder: DataDir, triton: str | None) -> list[tuple[VectorSpace, Described]]:
    """Describe by each model that is there, with a bar for each, what it has not looked at yet.

    Raises:
        TryAgain, Stop: as `describers_of` and `describe_evidence`.
    """
    from forewarn.evidence.describe import describe_evidence, describers_of
    from models.serving.client import connect

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        program_lock(folder, "evidence-describe"),
        serving(triton, folder) as server,
        connect(server.address, deadline_s=60.0) as connection,
        Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bars,
    ):
        told = []
        for each in describers_of(connection, installed_pair()):
            task = bars.add_task(f"describing by {each.space.name}", total=None)
            show = partial(_show, bars, task)
            told.append((each.space, describe_evidence(folder, each, show)))
    return told


def _show(bars: Progress, task: TaskID, done: int, of: int) -> None:
    bars.update(task, completed=done, total=of)
