"""`forewarn backup`: copy evidence and events while everything runs, and restore them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from domain.access.permissions import Permission
from domain.data_dir import DataDir
from domain.errors import ForewarnError, PutAside
from evidence_store.backup.store import BackupStore
from evidence_store.custody.signing_key import open_chain
from evidence_store.vault.open_vault import encryption_folder
from forewarn.terminal.identity import ByOption, authorized_chain
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
)

if TYPE_CHECKING:
    from evidence_store.backup.restore import Restored

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Copies of evidence and events, made while everything runs, and back again.",
)

BackupArgument = Annotated[
    Path, typer.Argument(metavar="BACKUP", help="The backup's folder, on another disk.")
]
SnapshotOption = Annotated[
    str,
    typer.Option("--at", metavar="TIME", help="Which one, as `list` calls it; else the latest."),
]


@app.command()
def create(
    backup: BackupArgument,
    with_private_keys: Annotated[
        bool,
        typer.Option(
            "--with-private-keys",
            help="Also the keys that sign and decrypt: who has the backup can then do both.",
        ),
    ] = False,
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Add today's state of a data folder to a backup; what is there already is not copied again.

    Taken: sealed evidence as it lies there (originals stay encrypted), the custody chain, the event log,
    announcements, messages, audits, holds, the site file's revisions and public keys. Not taken: recordings, the evidence table (it is
    made anew from the records), logs and, unless asked for, private keys. Programs may run meanwhile.

    Example: forewarn backup create /media/safe/forewarn --data var/site
    """
    from evidence_store.backup.create import create_backup

    folder, key_folder = data_dir(data), keys_dir(keys)
    if not folder.root.is_dir():
        raise PutAside(f"{folder.root}: there is no such data folder")
    if with_private_keys:
        authorized_chain(Permission.KEYS, folder, key_folder, by)
    chain = authorized_chain(Permission.BACK_UP, folder, key_folder, by)
    store = BackupStore.open(backup.expanduser().resolve(), create=True)
    with _bar(as_json) as show:
        made = create_backup(
            folder,
            store,
            chain,
            encryption_folder(folder, key_folder),
            lambda done, of: show("records", done, of),
            with_private_keys=with_private_keys,
        )
    if as_json:
        print_json(asdict(made))
    else:
        console.print(f"{made.name}: {made.records} records, {made.files} files", highlight=False)
        for line in made.missing:
            console.print(f"[red]missing:[/red] {line}", highlight=False, soft_wrap=True)
        if not with_private_keys:
            console.print("The private keys are not in it; keep a copy of them elsewhere.")
    if made.missing:
        raise typer.Exit(1)


@app.command(
    "list",
    help="""What a backup holds, oldest first.

    Example: forewarn backup list /media/safe/forewarn
    """,
)
def list_backups(backup: BackupArgument, as_json: JsonOption = False) -> None:
    """List the snapshots of a backup."""
    store = _open(backup)
    for name in store.names():
        try:
            facts = store.read(name)
        except PutAside as error:
            console.print(f"[red]changed:[/red] {error}", highlight=False, soft_wrap=True)
            continue
        if as_json:
            print_json(asdict(facts))
        else:
            print(f"{name}  {facts.records} records  {facts.files} files  {facts.size_bytes} bytes")


@app.command()
def verify(
    backup: BackupArgument,
    at: SnapshotOption = "",
    fingerprint: FingerprintOption = None,
    keys: KeysOption = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Whose signatures count, this data folder's chain says; else the copy in the backup.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read every byte of a backup; what is damaged or missing is named, and the exit code is then 1.

    Pinned by --fingerprint, or by --keys that lie in neither data folder nor backup; else it says: not pinned.

    Example: forewarn backup verify /media/safe/forewarn --keys /media/token
    """
    from evidence_store.backup.restore import check_backup
    from evidence_store.verify_data_folder import fingerprints_outside

    store, site = _open(backup), data_dir(data) if data else None
    anchors = [
        *fingerprints(fingerprint),
        *fingerprints_outside(site or DataDir(store.folder), keys_dir(keys)),
    ]
    with _bar(as_json) as show:
        found = check_backup(store, at or _latest(store), show, site=site, anchors=anchors)
    _print(found, as_json, "is as it was made")


@app.command()
def restore(
    backup: BackupArgument,
    at: SnapshotOption = "",
    chain: Annotated[
        Path | None,
        typer.Option(
            "--chain",
            metavar="FILE",
            help="The custody.jsonl of the day, where it was saved: what was erased since stays erased.",
        ),
    ] = None,
    keep_damaged: Annotated[
        bool,
        typer.Option("--keep-damaged", help="Restore what is there, also where it is damaged."),
    ] = False,
    fingerprint: FingerprintOption = None,
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Make a new data folder out of a backup, and verify every record, the chain and all keys in it.

    The folder gets its name only when all of it is there. Encrypted originals are opened for the check
    where the key is at hand (--keys, FOREWARN_ENCRYPTION_KEY, or in the backup).

    Example: forewarn backup restore /media/safe/forewarn --data var/restored --keys /media/token
    """
    from evidence_store.backup.restore import restore_backup
    from forewarn.evidence.log_check import head_facts

    store, folder, key_folder = _open(backup), data_dir(data), keys_dir(keys)
    with _bar(as_json) as show:
        done = restore_backup(
            store,
            at or _latest(store),
            folder,
            key_folder,
            show,
            keep_damaged=keep_damaged,
            newer_chain=chain,
            anchors=fingerprints(fingerprint),
        )
    facts = {"backup": done.snapshot.name, "problems": len(done.problems)}
    try:
        # from here on the log may hold other rows under the numbers of those that are lost
        open_chain(folder, key_folder).append("restored", "", facts | head_facts(folder))
    except ForewarnError as error:
        done.remarks.append(f"no custody entry of this: {error}")
    _print(done, as_json, f"is restored to {folder.root}, and verifies")


@app.command()
def prune(
    backup: BackupArgument,
    keep: Annotated[int, typer.Option("--keep", min=1, help="How many of the latest stay.")],
    as_json: JsonOption = False,
) -> None:
    """Delete older backups, and every file that none of the others needs.

    Erasing a record does not reach into backups: it is gone from one when every snapshot that holds it
    is. Run this after each backup, with as many as your retention allows.

    Example: forewarn backup prune /media/safe/forewarn --keep 14
    """
    store = _open(backup)
    with store.locked():
        gone = store.names()[:-keep]
        freed = store.drop(gone)
    if as_json:
        print_json({"deleted": gone, "freed_bytes": freed, "kept": store.names()})
    else:
        console.print(f"{len(gone)} backups deleted, {freed} bytes freed", highlight=False)


def _open(backup: Path) -> BackupStore:

    return BackupStore.open(backup.expanduser().resolve())


def _latest(store: BackupStore) -> str:
    names = store.names()
    if not names:
        raise PutAside(f"{store.folder}: holds no finished backup")
    return names[-1]


def _print(found: Restored, as_json: bool, words: str) -> None:
    if as_json:
        facts = {"backup": found.snapshot.name, "files": found.files, "records": found.records}
        facts |= {"pinned": found.pinned}
        print_json(facts | {"problems": found.problems, "remarks": found.remarks})
    else:
        for problem in found.problems:
            console.print(f"[red]damaged:[/red] {problem}", highlight=False, soft_wrap=True)
        for remark in found.remarks:
            console.print(f"[yellow]remark:[/yellow] {remark}", highlight=False, soft_wrap=True)
        when = datetime.strptime(found.snapshot.name, "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
        if not found.problems:
            console.print(
                f"backup of {when:%Y-%m-%d %H:%M:%S} UTC {words}: {found.records} records, "
                f"{found.files} files",
                highlight=False,
                soft_wrap=True,
            )
        console.print(f"signed by {found.snapshot.signed_by}", highlight=False, soft_wrap=True)
        if not found.pinned:
            console.print(
                "[yellow]not pinned:[/yellow] whoever can write the backup could have made it; give the "
                "published --fingerprint",
                soft_wrap=True,
            )
    if found.problems:
        raise typer.Exit(1)


@contextmanager
def _bar(is_silent: bool) -> Iterator[Callable[[str, int, int], None]]:
    with Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=is_silent,
    ) as bars:
        task = bars.add_task("looking", total=None)

        def show(words: str, done: int, of: int) -> None:
            bars.update(task, description=words, completed=done, total=of)

        yield show
