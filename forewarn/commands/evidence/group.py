"""`forewarn evidence`: list, show, search and verify what was sealed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from domain.access.permissions import Permission
from domain.evidence import EvidenceRecord
from evidence_store.access.viewing import ShownFiles
from evidence_store.custody.chain import CustodyChain
from evidence_store.files.try_again import reraise_as_try_again
from evidence_store.vault.open_vault import open_vault
from forewarn.commands.evidence.certificate import CERTIFICATE_HELP, certificate
from forewarn.commands.evidence.describe import describe
from forewarn.commands.evidence.erase import RETENTION_HELP, erase, retention
from forewarn.commands.evidence.export import IdArgument, export, verify
from forewarn.commands.evidence.hold import HOLDS_HELP, hold, holds, release
from forewarn.commands.evidence.maintain import rebuild_table_command, upkeep
from forewarn.commands.evidence.search import SEARCH_HELP, search
from forewarn.commands.evidence.stamp import stamp
from forewarn.terminal.evidence_filters import (
    CameraOption,
    CategoryOption,
    FromOption,
    OutcomeOption,
    RuleOption,
    ToOption,
    ZoneOption,
    wanted,
)
from forewarn.terminal.evidence_lines import as_json, listing, out
from forewarn.terminal.evidence_lookup import evidence_record, evidence_table
from forewarn.terminal.identity import ByOption, check_may, gate_of, who_asks
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

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="What was sealed, and whether it still is."
)


@app.command("list")
def list_evidence(
    camera: CameraOption = None,
    zone: ZoneOption = None,
    rule: RuleOption = None,
    outcome: OutcomeOption = None,
    category: CategoryOption = None,
    track: Annotated[
        str | None, typer.Option("--track", metavar="CAMERA/NUMBER", help="Only this subject.")
    ] = None,
    from_at: FromOption = None,
    to_at: ToOption = None,
    limit: Annotated[int, typer.Option("--limit", "-k", min=1, help="At most so many.")] = 50,
    data: DataOption = DEFAULT_DATA,
    in_json: JsonOption = False,
) -> None:
    """Sealed records that fit, those that ended last first.

    Example: forewarn evidence list --outcome escalated --from 2026-03-02 --to 2026-03-03
    """
    check_may(Permission.SEE_MASKED, data_dir(data))
    facts = wanted(camera, zone, rule, outcome, category, track, from_at, to_at)
    records = evidence_table(data_dir(data)).newest(facts, limit)
    if in_json:
        for record in records:
            print_json(as_json(record))
        return
    if not records:
        none_yet = "No evidence yet. `forewarn run SITE` keeps some for each ended offence."
        console.print(none_yet if facts.is_all else "No record fits.")
        return
    out().print(listing(records))


@app.command()
def show(
    evidence_id: IdArgument,
    unmasked: Annotated[
        bool, typer.Option("--unmasked", help="Also tell where the originals are; is logged.")
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", help="Why the originals are needed; goes into the log.")
    ] = "",
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Write readable copies of what is shown there."),
    ] = None,
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    in_json: JsonOption = False,
) -> None:
    """One record: its facts and where its files are.

    Only copies with masked faces are pointed to. The originals (clip, snapshots) need --unmasked, a
    reason, and somebody whose role permits it (docs/reference/people-and-roles.md); who, when, which and why are
    added to the custody chain, signed, and so is a refusal. Where originals are encrypted, --to writes
    copies that can be opened; delete them when they have been seen.

    Example: forewarn evidence show evd-0123456789abcdef --unmasked --reason "appeal 17" --to /tmp/17
    """
    from evidence_store.custody.time_stamper import stamp_on_record
    from evidence_store.erasure.legal_holds import standing_holds

    folder, key_folder = data_dir(data), keys_dir(keys)
    record, vault = evidence_record(folder, evidence_id), open_vault(folder, key_folder)
    entries = CustodyChain(folder.custody).about(evidence_id)
    files = ShownFiles.ask(
        gate_of(folder, key_folder),
        who_asks(folder, by, key_folder),
        vault,
        record,
        entries,
        unmasked_for=reason if unmasked else None,
    )
    if to:
        shown = _copies(files, record.evidence_id, to)
    else:
        shown = {name: str(files.path_of(name)) for name in files.names}
    held = [placed for placed in standing_holds(folder) if placed.evidence_id == record.evidence_id]
    if in_json:
        more = {"paths": shown, "holds": [placed.to_json() for placed in held]}
        stamped_at, stamped_by = stamp_on_record(entries) or ("", "")
        print_json(as_json(record) | more | {"stamped_at": stamped_at, "stamped_by": stamped_by})
        return
    out().print(_facts(record))
    if stamped := stamp_on_record(entries):
        out().print(
            f"time stamp: {stamped[0]} by {stamped[1]}; `verify` checks it", highlight=False
        )
    else:
        out().print("time stamp: none; the times are this site's own clock's")
    for placed in held:
        until = f"until {placed.until:%Y-%m-%d %H:%M} UTC" if placed.until else "until released"
        text = f"held ({placed.hold_id}) for {placed.owner}, {until}: {placed.reason}"
        out().print(printable(text), highlight=False, soft_wrap=True)
    out().print(_files(record, shown))
    if not to and files.any_encrypted:
        console.print("The originals are encrypted; --to DIR writes copies that can be opened.")
    if any(file.name not in shown for file in record.files):
        console.print(
            "The originals are not for everybody's eyes: "
            f"forewarn evidence show {record.evidence_id} --unmasked --reason TEXT"
        )


app.command(help=SEARCH_HELP)(search)
app.command()(describe)
app.command()(upkeep)
app.command("rebuild-table")(rebuild_table_command)
app.command()(verify)
app.command()(export)
app.command()(stamp)
app.command()(hold)
app.command()(release)
app.command(help=HOLDS_HELP)(holds)
app.command(help=RETENTION_HELP)(retention)
app.command()(erase)
app.command(help=CERTIFICATE_HELP)(certificate)


def _copies(files: ShownFiles, evidence_id: str, to: Path) -> dict[str, str]:
    """Write readable copies of a record's files; return them by name.

    Raises:
        TryAgain: they cannot be written.
    """

    target = to.expanduser().resolve()
    with reraise_as_try_again(f"copies of {evidence_id}", target):
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in files.names:
            files.copy_out(name, target / Path(name).name)
    return {name: str(target / Path(name).name) for name in files.names}


def _facts(record: EvidenceRecord) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in as_json(record).items():
        if name not in ("files", "missing"):
            table.add_row(name, str(value))
    for reason in record.missing:
        table.add_row("[red]missing[/red]", reason)
    return table


def _files(record: EvidenceRecord, shown: dict[str, str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("file", "what", "bytes", "SHA-256", "where"):
        table.add_column(title, overflow="fold")
    for file in record.files:
        where = shown.get(file.name, "(original, not shown)")
        table.add_row(file.name, file.role, str(file.size_bytes), file.sha256[:16] + "…", where)
    for name in shown.keys() - {file.name for file in record.files}:
        table.add_row(name, "masked clip", "", "in the custody chain", shown[name])
    return table
