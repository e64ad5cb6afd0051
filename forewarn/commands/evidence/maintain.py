"""`forewarn evidence upkeep` and `rebuild-table`: keep the evidence table quick, or make it anew."""

from __future__ import annotations

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from domain.data_dir import DataDir
from domain.errors import ForewarnError
from evidence_store.custody.chain import CustodyChain
from evidence_store.search.picture_vectors import keep_up_pictures, picture_tables
from evidence_store.table_of_vault import Rebuilt, open_evidence_table, rebuild_table
from evidence_store.vault.open_vault import open_vault
from forewarn.commands.evidence.describe import TritonOption, describe_by_all
from forewarn.programs.supervision.run_lock import program_lock
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    KeysOption,
    console,
    data_dir,
    keys_dir,
    print_json,
)
from models.likeness.space import is_likeness_built
from models.serving.running import find_running
from models.text_search.installed import installed_pair


def upkeep(data: DataOption = DEFAULT_DATA, in_json: JsonOption = False) -> None:
    """Join small files, drop old versions, build the indices that large tables need.

    `forewarn run` does this every ten minutes where something was added. By hand it is needed only
    after rows came in some other way. Searches and writers may go on meanwhile.

    Example: forewarn evidence upkeep --json
    """

    folder = data_dir(data)
    table = open_evidence_table(folder)
    if table.lance is None:
        console.print("No evidence yet.")
        return
    with (
        program_lock(folder, "evidence-upkeep"),
        console.status("evidence table: tidying, building indices"),
    ):
        built = table.keep_up()
        for pictures in picture_tables(folder.lancedb):
            built += [f"{pictures.name}.{index}" for index in keep_up_pictures(pictures)]
    facts = {
        "table": "evidence",
        "rows": table.count(),
        "files": table.fragments(),
        "indexed": built,
    }
    if in_json:
        print_json(facts)
        return
    indexed = f"indexed now: {', '.join(built)}" if built else "no new index needed"
    console.print(
        f"{facts['rows']:,} records in {facts['files']} files; {indexed}", highlight=False
    )


def rebuild_table_command(
    triton: TritonOption = None,
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    in_json: JsonOption = False,
) -> None:
    """Make the evidence table anew from the records, where `lancedb/` is damaged or gone; programs may run on.

    Facts and vectors come out of each record, encrypted ones by the key; what the likeness model and a pair
    saw comes out of the old tables, else from a Triton server that runs, else `describe` makes it. Erased
    records stay erased. The new table lies beside the old one until it is whole. Exit code 1: a record got no
    row, or one without vectors.

    Example: forewarn evidence rebuild-table --data var/site
    """
    folder = data_dir(data)
    vault = open_vault(folder, keys_dir(keys))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        program_lock(folder, "evidence-rebuild-table"),
        Progress(
            *columns, TimeRemainingColumn(), console=console, transient=True, disable=in_json
        ) as bars,
    ):
        task = bars.add_task("records", total=None)
        done = rebuild_table(
            folder,
            vault,
            CustodyChain(folder.custody),
            lambda made, of: bars.update(task, completed=made, total=of),
        )
    described, why_not = _describe_rest(folder, triton)
    if in_json:
        facts = {"rows": done.rows, "without_vectors": done.without_vectors, "no_row": done.unread}
        more = {"taken_over": done.carried, "described": described, "not_described": why_not}
        print_json(facts | more)
    else:
        _print_rebuilt(folder, done, described, why_not)
    if done.unread or done.without_vectors:
        raise typer.Exit(1)


def _describe_rest(folder: DataDir, triton: str | None) -> tuple[dict[str, int], str]:
    """Describe what the old tables did not say, where a server is to be had; return how many, or why not."""
    if not is_likeness_built() and installed_pair() is None:
        return {}, ""
    if triton is None and find_running(folder.triton) is None:
        return {}, "no Triton server runs for this folder"
    try:
        told = describe_by_all(folder, triton)
    except ForewarnError as error:
        return {}, str(error)
    return {str(space): done.records - done.without_picture for space, done in told}, ""


def _print_rebuilt(folder: DataDir, done: Rebuilt, described: dict[str, int], why_not: str) -> None:
    lines = [f"{folder.lancedb}: {done.rows:,} rows, facts and vectors as the records keep them"]
    lines += [f"{each}: no row, its numbers.json cannot be read" for each in done.unread]
    lines += [
        f"{each}: found by facts only, its vectors cannot be read; is the encryption key at hand (--keys)?"
        for each in done.without_vectors
    ]
    lines += [f"{name}: {count:,} vectors taken over" for name, count in done.carried.items()]
    lines += [f"{name}: could not be read to its end" for name in done.lost]
    lines += [f"{space}: {count:,} records described anew" for space, count in described.items()]
    if why_not:
        lines.append(
            f"not described anew ({why_not}): `forewarn evidence describe` does so, and a run by itself"
        )
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
