"""`forewarn keys encryption`: manage the key that originals are encrypted with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from domain.access.permissions import Permission
from domain.errors import PutAside, Stop
from evidence_store.keys.encryption_keys import (
    EncryptionKey,
    EncryptionKeyFolder,
    check_not_by_variable,
    find_encryption_keys,
)
from evidence_store.vault.open_vault import encryption_folder, open_vault
from evidence_store.vault.re_encrypt import count_by_key, re_encrypt
from forewarn.programs.supervision.run_lock import run_lock
from forewarn.terminal.identity import ByOption, authorized_chain
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

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="The key that originals (unmasked clips and pictures) are encrypted with.",
)


@app.command()
def create(
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Make an encryption key for a site that has none; originals sealed from now on are encrypted.

    `forewarn keys create` has done so already for new sites. Those sealed before stay plain until
    `forewarn keys encryption apply`.

    Example: forewarn keys encryption create --data var/site
    """

    check_not_by_variable("unset it where forewarn is started to use a key file instead")
    folder, key_folder = data_dir(data), keys_dir(keys)
    chain = authorized_chain(Permission.KEYS, folder, key_folder, by)
    place = EncryptionKeyFolder(encryption_folder(folder, key_folder))
    key = place.create()
    chain.append("encryption on", "", {"encryption_key_id": key.key_id})
    _print_key(key.key_id, place.key_file, as_json)


@app.command()
def show(
    keys: KeysOption = None, data: DataOption = DEFAULT_DATA, as_json: JsonOption = False
) -> None:
    """Which key is in force, which older ones still open files, and how many files each has.

    Example: forewarn keys encryption show --json
    """
    from evidence_store.recordings.segment_files import count_recordings_by_key

    vault = open_vault(data_dir(data), keys_dir(keys))
    current = vault.keys.current.key_id if vault.keys.current else ""
    files = count_by_key(vault)
    recordings = count_recordings_by_key(data_dir(data).recordings)
    facts = {
        "in_force": current,
        "retired": [*vault.keys.retired],
        "missing": sorted((files + recordings).keys() - {"", current, *vault.keys.retired}),
        "files": {key_id: files[key_id] for key_id in sorted(files) if key_id},
        "plain_originals": files.get("", 0),
        "recordings": dict(sorted(recordings.items())),
        "looked_in": vault.keys.source,
    }
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        words = str(value) if value or value == 0 else "none"
        print(f"{name.replace('_', ' '):<16} {words}")


@app.command()
def rotate(
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Encrypt with a new key from now on; the old one is kept, for it opens what it encrypted.

    Where somebody may have copied the old key, run `forewarn keys encryption apply --forget` next. A
    key in FOREWARN_ENCRYPTION_KEY is rotated by hand: put the new one before the old, with a blank.

    Example: forewarn keys encryption rotate --data var/site
    """

    check_not_by_variable("to rotate it, put the new key before the old one, with a blank")
    folder, key_folder = data_dir(data), keys_dir(keys)
    place = EncryptionKeyFolder(encryption_folder(folder, key_folder))
    chain = authorized_chain(Permission.KEYS, folder, key_folder, by)
    with run_lock(folder):
        old, new = place.rotate()
        chain.append("encryption on", "", {"encryption_key_id": new.key_id, "before": old.key_id})
    _print_key(new.key_id, place.key_file, as_json)


@app.command()
def apply(
    forget: Annotated[
        bool,
        typer.Option(
            "--forget",
            help="Then delete older keys that no file here needs; backups that need them are lost.",
        ),
    ] = False,
    no_other_data: Annotated[
        bool,
        typer.Option(
            "--no-other-data",
            help="With --forget and --keys: no other data folder uses these keys; nobody can check that.",
        ),
    ] = False,
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Bring all originals under the key in force: those that are plain, and those of older keys.

    Each file is written anew beside the old one, read back and compared with its sealed SHA-256, and
    only then put in its place; it may be ended and begun again at any time, also while forewarn runs.

    Example: forewarn keys encryption apply --forget --data var/site
    """
    from evidence_store.recordings.segment_files import count_recordings_by_key

    folder, key_folder = data_dir(data), keys_dir(keys)
    place = EncryptionKeyFolder(encryption_folder(folder, key_folder))
    if forget and not no_other_data and place.folder != folder.keys:
        raise Stop(
            f"{place.folder}: other data folders may use these keys, too, and what a deleted key "
            "encrypted there is lost; run `apply` for each of them, then add --no-other-data"
        )
    chain = authorized_chain(Permission.KEYS, folder, key_folder, by)
    vault = open_vault(folder, key_folder)
    with Progress(console=console, transient=True, disable=as_json) as bars:
        bar = bars.add_task("encrypting")
        done = re_encrypt(vault, chain, lambda n, of: bars.update(bar, completed=n, total=of))
    forgotten = []
    if forget and not done.problems:
        needed = count_by_key(vault) + count_recordings_by_key(folder.recordings)
        forgotten = [key_id for key_id in vault.keys.retired if key_id not in needed]
        for key_id in forgotten:
            place.forget(key_id)
    if as_json:
        print_json({"files": done.files, "problems": done.problems, "forgotten": forgotten})
    else:
        console.print(f"{done.files} originals were brought under the key in force")
        for problem in done.problems:
            console.print(f"[red]not done:[/red] {problem}", highlight=False, soft_wrap=True)
        for key_id in forgotten:
            console.print(f"key {key_id} was deleted", highlight=False)
    if done.problems:
        raise typer.Exit(1)


@app.command()
def off(
    reason: Annotated[str, typer.Option("--reason", help="Why; goes into the custody chain.")],
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Keep originals plain from now on; what is encrypted stays so, and its key is kept.

    A key in FOREWARN_ENCRYPTION_KEY is turned off there: write `off` and a blank before it, so that it
    still opens what it encrypted, and then say this.

    Example: forewarn keys encryption off --reason "the disk itself is encrypted"
    """

    if not reason.strip():
        raise PutAside("keeping originals plain needs a reason for the record; add --reason TEXT")
    check_not_by_variable(
        "where forewarn is started, and here, write `off` and a blank before it (it then only opens "
        "what it encrypted), or unset it where nothing is encrypted with it; then say this again"
    )
    folder, key_folder = data_dir(data), keys_dir(keys)
    place = EncryptionKeyFolder(encryption_folder(folder, key_folder))
    chain = authorized_chain(Permission.KEYS, folder, key_folder, by, reason=reason)
    with run_lock(folder):
        chain.append("encryption off", "", {"reason": reason.strip()})
        retired = place.retire().key_id if place.has_key() else ""
    if as_json:
        print_json({"in_force": "", "retired": retired})
    else:
        console.print("originals sealed from now on stay plain")


def made_or_found(folder: Path) -> EncryptionKey:
    """Return the key in force, made where there is none (the environment's, where it has one)."""

    return find_encryption_keys(folder).current or EncryptionKeyFolder(folder).create()


def _print_key(key_id: str, file: Path, as_json: bool) -> None:
    if as_json:
        print_json({"encryption_key_id": key_id, "key_file": str(file)})
        return
    console.print(f"{file}: originals are encrypted with key {key_id}", soft_wrap=True)
    console.print("Keep a copy of it where only you can reach it: without it nobody can open them.")
