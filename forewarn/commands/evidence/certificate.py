"""`forewarn evidence certificate`: prove that a record was erased, and search for its pieces again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from evidence_store.custody.chain import CustodyChain
from evidence_store.custody.signing_key import keys_of, open_chain
from evidence_store.erasure.deletion_certificate import (
    DeletionCertificate,
    export_certificate,
    find_certificate,
    search_again,
)
from evidence_store.vault.vault import Vault
from forewarn.commands.evidence.export import IdArgument
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    KeysOption,
    console,
    data_dir,
    keys_dir,
    print_json,
    printable,
)

CERTIFICATE_HELP = """The deletion certificate of an erased record: what, when, by whom, why, and how it was checked.

With --to it becomes one zip (PDF in Chinese and English, the signed custody entries, public keys, the
verifier), which `python verify_evidence.py FILE.zip` checks anywhere. With --search the pieces are
looked for again; exit code 1 if any is found.

Example: forewarn evidence certificate evd-0123456789abcdef --to erased-17.zip

Example: forewarn evidence certificate evd-0123456789abcdef --search /media/backup
"""


def certificate(
    evidence_id: IdArgument,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE.zip", help="Write it for outsiders, with PDF and keys."),
    ] = None,
    search: Annotated[
        Path | None,
        typer.Option(
            "--search",
            metavar="DIR",
            help="Look for pieces of the erased record there, e.g. a backup.",
        ),
    ] = None,
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Print, write or check the deletion certificate of an erased record."""
    folder = data_dir(data)
    found = find_certificate(CustodyChain(folder.custody), evidence_id)
    facts = found.facts()
    if to is not None:
        chain = open_chain(folder, keys_dir(keys))
        export_certificate(found, Vault(folder.evidence), chain, keys_of(folder), to)
        facts |= {"file": str(to.resolve())}
    hits: list[str] = []
    if search is not None:
        with console.status("searching", spinner="dots") as status:
            report = search_again(found, search, lambda path: status.update(f"searching {path}"))
        hits = sorted({str(hit.path) for hit in report.hits}) + report.unread
        facts |= {"looked_into": report.files, "found_in": hits}
    if as_json:
        print_json(facts)
    else:
        console.print(_facts(found))
        if to is not None:
            console.print(f"written: {to}", highlight=False, soft_wrap=True)
        for path in hits:
            console.print(f"[red]found:[/red] {path}", highlight=False, soft_wrap=True)
        if search is not None and not hits:
            console.print(f"{facts['looked_into']} files searched, nothing of it found.")
    if hits:
        raise typer.Exit(1)


def _facts(found: DeletionCertificate) -> Table:
    facts = found.facts()
    searched = facts["searched"]
    table = Table(box=None, show_header=False, pad_edge=False)
    rows: list[tuple[str, Any]] = [
        ("record", facts["evidence_id"]),
        ("erased", facts["erased_at"]),
        ("why", facts["reason"]),
        ("decided by", facts["by"]),
        ("by the rule", facts["rule"] or "-"),
        ("done by", facts["who"]),
        (
            "files",
            f"{len(facts['files'])}, with their SHA-256 in custody entry {facts['custody_numbers'][0]}",
        ),
        ("recordings", ", ".join(facts["recordings"]) or "-"),
        ("kept", "; ".join(f"{kept['recording']}: {kept['why']}" for kept in facts["kept"]) or "-"),
        (
            "checked",
            f"{searched['marks']} pieces looked for in {searched['files']} files, none found",
        ),
        ("copies out", str(len(facts["exports"]))),
        ("signed by", facts["key_id"] or "nobody"),
    ]
    for name, value in rows:
        table.add_row(name, printable(str(value)))
    return table
