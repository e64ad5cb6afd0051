"""`forewarn evidence describe`: make evidence searchable by words; a live run does it by itself."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from forewarn.options import DEFAULT_DATA, DataOption, JsonOption, console, data_dir, print_json
from forewarn.run_lock import program_lock


def describe(
    if_installed: Annotated[
        bool,
        typer.Option("--if-installed", help="Do nothing where no pair of models is installed."),
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
    """Describe evidence by the installed pair of models, so that `search --text` finds it.

    Looks at every record that this pair has not looked at: after a pair was installed, all of them.
    Another pair's vectors stay where they are and are not used. Masked pictures are looked at only.
    A run with cameras does this by itself, two minutes after evidence was sealed.

    Example: forewarn evidence describe
    """
    from models.text_search.install import installed_pair, need_pair

    if if_installed and installed_pair() is None:
        return
    installed, folder = need_pair(), data_dir(data)
    if not folder.lancedb.exists():
        console.print("No evidence yet.")
        return
    from forewarn.describe_evidence import describe_evidence
    from forewarn.serving import serving

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        program_lock(folder, "evidence-describe"),
        serving(triton, folder) as server,
        Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bars,
    ):
        task = bars.add_task("describing", total=None)
        done = describe_evidence(
            folder,
            installed,
            server.address,
            lambda at, of: bars.update(task, completed=at, total=of),
        )
    pair = installed.pair
    told = {
        "pair": str(pair.pair_id),
        "described": done.records - done.without_picture,
        "without_picture": done.without_picture,
    }
    if in_json:
        print_json(told)
        return
    console.print(
        f"{told['described']:,} records described by {told['pair']}; {told['without_picture']:,} have "
        "no picture of their subject",
        highlight=False,
    )
