"""`forewarn evidence upkeep`: keep the evidence table quick; a run does it by itself."""

from __future__ import annotations

from evidence_store.search.picture_vectors import keep_up_pictures, picture_tables
from evidence_store.search.table import EvidenceTable
from forewarn.programs.supervision.run_lock import program_lock
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    console,
    data_dir,
    print_json,
)


def upkeep(data: DataOption = DEFAULT_DATA, in_json: JsonOption = False) -> None:
    """Join small files, drop old versions, build the indices that large tables need.

    `forewarn run` does this every ten minutes where something was added. By hand it is needed only
    after rows came in some other way. Searches and writers may go on meanwhile.

    Example: forewarn evidence upkeep --json
    """

    folder = data_dir(data)
    if not folder.lancedb.exists():
        console.print("No evidence yet.")
        return
    with program_lock(folder, "evidence-upkeep"):
        table = EvidenceTable.open(folder.lancedb, create=False)
        with console.status("evidence table: tidying, building indices"):
            built = table.keep_up()
            for pictures in picture_tables(folder.lancedb):
                built += [
                    f"{pictures.name}.{index}"
                    for index in keep_up_pictures(folder.lancedb, pictures)
                ]
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
