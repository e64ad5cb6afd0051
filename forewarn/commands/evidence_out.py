"""`forewarn evidence verify` and `export`: is it still as it was sealed, and a copy for outsiders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import track

from domain.acts import Act
from domain.errors import PutAside
from forewarn.asking import ByOption, leave_to
from forewarn.custody_note import note_custody
from forewarn.evidence_lookup import evidence_record, evidence_table
from forewarn.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    KeysOption,
    console,
    data_dir,
    keys_dir,
    print_json,
)

if TYPE_CHECKING:
    from evidence_store.verifier import Verifier

IdArgument = Annotated[str, typer.Argument(metavar="EVIDENCE_ID", help="As `list` shows it.")]


def verify(
    evidence_id: Annotated[
        str | None, typer.Argument(metavar="[EVIDENCE_ID]", help="One record; else all.")
    ] = None,
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Check all records (or one): files, facts, manifest, signature, and the whole custody chain.

    Each fault is named and the exit code is then 1. Encrypted originals are decrypted for it, so their
    key is needed. That it was done, and what came of it, becomes an
    entry of the custody chain where the key is at hand.

    Example: forewarn evidence verify
    """
    from evidence_store.verifier import Verifier

    folder, key_folder = data_dir(data), keys_dir(keys)
    verifier = Verifier.open(folder, key_folder)
    if evidence_id and evidence_id in verifier.chain.erased:
        _tell_erased(verifier, evidence_id, as_json)
        return
    listed = evidence_table(folder).facts().column("evidence_id").to_pylist()
    ids = [evidence_id] if evidence_id else listed
    problems = [*verifier.problems]
    for each in track(ids, "verifying", console=console, transient=True, disable=as_json):
        problems += verifier.problems_of(evidence_record(folder, each))
    if evidence_id is None:
        problems += [
            f"{each}: sealed, but has no row in the evidence table"
            for each in sorted(
                set(verifier.vault.ids()) - set(listed) - verifier.chain.erasing.keys()
            )
        ]
        problems += verifier.vanished(listed)
    unsigned = sum(not verifier.is_signed(each) for each in ids)
    stamped = sum(verifier.has_stamp(each) for each in ids)
    remarks = [*verifier.remarks(), *filter(None, map(verifier.clock_remark, ids))]
    if as_json:
        told = {"records": len(ids), "unsigned": unsigned, "stamped": stamped, "problems": problems}
        told |= {"remarks": remarks}
        told |= {"erased": len(verifier.chain.erased), "erasing": len(verifier.chain.erasing)}
        print_json(told | {"custody_entries": verifier.chain.entries, "keys": [*verifier.keys]})
    else:
        _tell_verified(len(ids), unsigned, problems, remarks, verifier)
        _tell_stamped(len(ids), stamped, verifier)
    if ids:
        told = {"records": len(ids), "problems": len(problems)}
        note_custody(folder, key_folder, "verified", evidence_id or "", told)
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
    (docs/people-and-roles.md). The record is verified first: what does not verify is not exported. Copies of pictures and clips with content credentials
    (C2PA) lie beside the record's own files. `python verify_evidence.py FILE.zip` checks the zip
    on any machine with Python and its package cryptography.

    Example: forewarn evidence export evd-0123456789abcdef --to case-17.zip
    """
    from evidence_store.credential_certificate import credentials_of
    from evidence_store.export import Exporter
    from evidence_store.site_key import keys_of
    from evidence_store.summary_pdf import write_summaries
    from evidence_store.verifier import Verifier

    folder, key_folder = data_dir(data), keys_dir(keys)
    act = Act.EXPORT_UNMASKED if unmasked else Act.EXPORT_MASKED
    leave = leave_to(act, folder, key_folder, by, evidence_id, reason)
    record, verifier = evidence_record(folder, evidence_id), Verifier.open(folder, key_folder)
    if problems := [*verifier.problems, *verifier.problems_of(record)]:
        raise PutAside(f"{evidence_id} does not verify and is not exported: " + "; ".join(problems))
    target = to or Path(f"{evidence_id}{'.unmasked' if unmasked else ''}.zip")
    chain = leave.chain
    exporter = Exporter(
        verifier.vault,
        chain,
        keys_of(folder),
        verifier.authorities,
        credentials_of(folder, chain.signer, record.site_id),
        write_summaries,
    )
    withheld = exporter.export(record, target, leave if unmasked else None)
    key_id = chain.signer.key_id if chain.signer else ""
    if as_json:
        told = {"file": str(target.resolve()), "masked": not unmasked, "withheld": withheld}
        print_json(told | {"signed_by": key_id})
        return
    console.print(f"{target}: {'originals and masked copies' if unmasked else 'masked copies'}")
    console.print(f"signed by {key_id or 'nobody'}", highlight=False, soft_wrap=True)


def _tell_erased(verifier: Verifier, evidence_id: str, as_json: bool) -> None:
    """An erased record is no damage, as long as nothing of it is there and the chain holds."""
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
            f"{evidence_id}: erased on {entry['at']} ({why}); custody entry {entry['number']} certifies it",
            highlight=False,
            soft_wrap=True,
        )
    if problems:
        raise typer.Exit(1)


def _tell_stamped(records: int, stamped: int, verifier: Verifier) -> None:
    from cryptography.hazmat.primitives.hashes import SHA256

    if stamped or verifier.authorities:
        console.print(f"time stamps: {stamped} of {records} records have one")
        for each in verifier.authorities:
            console.print(
                f"time stamps checked with {each.subject.rfc4514_string()}, "
                f"SHA-256 {each.fingerprint(SHA256()).hex()}",
                highlight=False,
                soft_wrap=True,
            )


def _tell_verified(
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
    for key_id in verifier.keys:
        console.print(f"signatures checked with key {key_id}", highlight=False, soft_wrap=True)
