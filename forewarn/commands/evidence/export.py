"""`forewarn evidence verify` and `export`: check sealed evidence, and copy it for outsiders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.hashes import SHA256
from rich.progress import track

from domain.access.permissions import Permission
from evidence_store.custody.chain import LOG_HEAD
from evidence_store.search.stored_table import TableDamaged
from evidence_store.verify_data_folder import Verifier
from forewarn.evidence.log_check import check_event_log, remarks_on, what_holds
from forewarn.terminal.custody_note import note_custody
from forewarn.terminal.evidence_lookup import evidence_record, evidence_table
from forewarn.terminal.identity import ByOption, authorize
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    FingerprintOption,
    JsonOption,
    KeysOption,
    console,
    data_dir,
    fingerprints,
    keys_dir,
    print_json,
    printable,
)

IdArgument = Annotated[str, typer.Argument(metavar="EVIDENCE_ID", help="As `list` shows it.")]


def verify(
    evidence_id: Annotated[
        str | None, typer.Argument(metavar="[EVIDENCE_ID]", help="One record; else all.")
    ] = None,
    fingerprint: FingerprintOption = None,
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Check all records (or one): files, facts, manifest, signature, and the whole custody chain.

    So are the rows of the event log, which are chained as well; erased ones are told from removed ones.
    Each fault is named and the exit code is then 1. Where the evidence table cannot be read, the records are
    checked without it. Encrypted originals are decrypted for it, so their
    key is needed. That it was done, and what came of it, becomes an
    entry of the custody chain where the key is at hand.

    Whose signatures count is pinned by --fingerprint, or by keys that lie outside the data folder (--keys,
    FOREWARN_KEYS). Else the chain is only checked in itself, and it says so: not pinned.

    Example: forewarn evidence verify --fingerprint 5f3c…
    """
    folder, key_folder = data_dir(data), keys_dir(keys)
    verifier = Verifier.open(folder, key_folder, fingerprints(fingerprint))
    if evidence_id and evidence_id in verifier.chain.erased:
        _print_erased_record(verifier, evidence_id, as_json)
        return
    problems = [*verifier.problems]
    table, listed = None, list[str]()
    try:
        table = evidence_table(folder)
        listed = table.columns(["evidence_id"]).column(0).to_pylist()
    except TableDamaged as error:
        problems.append(str(error))
        table = None
    if evidence_id and not verifier.vault.folder_of(evidence_id).exists():
        evidence_record(folder, evidence_id)  # raises where it is not known, either
    ids = [evidence_id] if evidence_id else sorted({*listed, *verifier.vault.ids()})
    for each in track(ids, "verifying", console=console, transient=True, disable=as_json):
        try:
            problems += verifier.problems_of_id(each, table)
        except TableDamaged as error:
            problems += [str(error), *verifier.problems_of_id(each, None)]
            table = None
    logged = None
    if evidence_id is None:
        problems += verifier.vanished(listed)
        with console.status("event log"):
            logged = check_event_log(folder, verifier)
        problems += logged.problems
    unsigned = sum(not verifier.is_signed(id_) for id_ in ids)
    stamped = sum(verifier.has_stamp(id_) for id_ in ids)
    remarks = [*verifier.remarks(), *filter(None, map(verifier.clock_remark, ids))]
    remarks += remarks_on(logged) if logged else []
    if as_json:
        facts = {
            "records": len(ids),
            "unsigned": unsigned,
            "stamped": stamped,
            "problems": problems,
        }
        facts |= {"remarks": remarks, "pinned": bool(verifier.anchors)}
        facts |= {"erased": len(verifier.chain.erased), "erasing": len(verifier.chain.erasing)}
        if logged:
            rows = {"rows": logged.rows, "erased": logged.erased, "from_row": logged.from_row}
            rows["behind_last_signed"] = logged.since
            facts["event_log"] = rows
        print_json(
            facts | {"custody_entries": verifier.chain.entries, "keys": [*verifier.counted_keys]}
        )
    else:
        _print_verified(len(ids), unsigned, problems, remarks, verifier)
        _print_stamped(len(ids), stamped, verifier)
        if logged and logged.from_row and not logged.problems:
            console.print(what_holds(logged), highlight=False, soft_wrap=True)
    if ids:
        facts = {"records": len(ids), "problems": len(problems)}
        # what was found in order is signed, too
        head = logged.head if logged and not logged.problems else None
        signed = {LOG_HEAD: head.to_json()} if head else {}
        note_custody(folder, key_folder, "verified", evidence_id or "", facts | signed)
    if problems:
        raise typer.Exit(1)


def export(
    evidence_id: IdArgument,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE.zip", help="Else EVIDENCE_ID.zip in this folder."),
    ] = None,
    unmasked: Annotated[
        bool, typer.Option("--unmasked", help="The originals, too; needs --reason.")
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", help="Why the originals leave; goes into the custody chain.")
    ] = "",
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """One zip that an outsider can check: media, manifest, signatures, custody, summary, verifier.

    Only masked copies leave, unless --unmasked, a reason and a role that permits it say otherwise
    (docs/reference/people-and-roles.md). The record is verified first: what does not verify is not exported. Copies of pictures and clips with content credentials
    (C2PA) lie beside the record's own files. `python verify_evidence.py FILE.zip` checks the zip
    on any machine with Python and its package cryptography.

    Example: forewarn evidence export evd-0123456789abcdef --to case-17.zip
    """
    from evidence_store.export.record_export import export_record

    folder, key_folder = data_dir(data), keys_dir(keys)
    act = Permission.EXPORT_UNMASKED if unmasked else Permission.EXPORT_MASKED
    grant = authorize(act, folder, key_folder, by, evidence_id, reason)
    record = evidence_record(folder, evidence_id)
    target = to or Path(f"{evidence_id}{'.unmasked' if unmasked else ''}.zip")
    withheld = export_record(folder, key_folder, grant, record, target)
    chain = grant.chain
    key_id = chain.signer.key_id if chain.signer else ""
    if as_json:
        facts = {"file": str(target.resolve()), "masked": not unmasked, "withheld": withheld}
        print_json(facts | {"signed_by": key_id})
        return
    console.print(f"{target}: {'originals and masked copies' if unmasked else 'masked copies'}")
    console.print(f"signed by {key_id or 'nobody'}", highlight=False, soft_wrap=True)


def _print_erased_record(verifier: Verifier, evidence_id: str, as_json: bool) -> None:
    """Print an erased record; it is no damage while nothing of it is there and the chain holds."""
    entry, problems = verifier.chain.erased[evidence_id], [*verifier.problems]
    if verifier.vault.folder_of(evidence_id).exists():
        problems += verifier.fault_of_chain(evidence_id)
    if as_json:
        print_json({"records": 0, "erased": 1, "erased_at": entry["at"], "problems": problems})
    else:
        for problem in problems:
            console.print(f"[red]changed:[/red] {problem}", highlight=False, soft_wrap=True)
        why = verifier.chain.why_erased[evidence_id]["details"].get("reason", "")
        console.print(
            f"{evidence_id}: erased on {entry['at']} ({printable(str(why))}); custody entry {entry['number']} certifies it",
            highlight=False,
            soft_wrap=True,
        )
    if problems:
        raise typer.Exit(1)


def _print_stamped(records: int, stamped: int, verifier: Verifier) -> None:

    if stamped or verifier.authorities:
        console.print(f"time stamps: {stamped} of {records} records have one")
        for each in verifier.authorities:
            console.print(
                f"time stamps checked with {each.subject.rfc4514_string()}, "
                f"SHA-256 {each.fingerprint(SHA256()).hex()}",
                highlight=False,
                soft_wrap=True,
            )


def _print_verified(
    records: int, unsigned: int, problems: list[str], remarks: list[str], verifier: Verifier
) -> None:
    for problem in problems:
        console.print(f"[red]changed:[/red] {problem}", highlight=False, soft_wrap=True)
    for remark in remarks:
        console.print(f"[yellow]remark:[/yellow] {remark}", highlight=False, soft_wrap=True)
    if not problems:
        entries = verifier.chain.entries
        console.print(f"{records} records and {entries} custody entries are as they were sealed.")
    if verifier.chain.erased:
        console.print(
            f"{len(verifier.chain.erased)} were erased, with their certificates in the chain."
        )
    if unsigned:
        console.print(f"[yellow]not signed:[/yellow] {unsigned} of {records} records")
    for key_id in verifier.counted_keys:
        console.print(f"signatures checked with key {key_id}", highlight=False, soft_wrap=True)
    if verifier.counted_keys and not verifier.anchors:
        console.print(
            "[yellow]not pinned:[/yellow] whoever can write this folder could have put a key of their own; "
            "give the published --fingerprint",
            soft_wrap=True,
        )
