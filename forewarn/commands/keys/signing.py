"""`forewarn keys`: manage the site's keys, which sign its evidence and encrypt its originals."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from domain.access.permissions import Permission
from domain.data_dir import DataDir
from domain.errors import Stop
from evidence_store.custody.chain import CustodyChain
from evidence_store.custody.signing_key import (
    keys_of,
    keys_that_signed,
    need_signer,
    open_chain,
    open_signer,
    passphrase,
)
from evidence_store.keys.keys_before import keys_before, note_keys_before
from evidence_store.keys.signature_file import sign_file
from evidence_store.keys.signing_keys import KeyFolder, new_signer, public_pem
from forewarn.commands.keys import encryption as encryption_keys
from forewarn.commands.keys.certificate import CERTIFICATE_HELP, certificate
from forewarn.programs.supervision.run_lock import run_lock
from forewarn.terminal.identity import ByOption, authorize
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
    help="The site's own keys: one signs its evidence, one encrypts its originals.",
)
app.add_typer(encryption_keys.app, name="encryption")
app.command(help=CERTIFICATE_HELP)(certificate)


@app.command()
def create(
    if_none: Annotated[
        bool, typer.Option("--if-none", help="Where there is a key already, leave it and end well.")
    ] = False,
    lost: Annotated[
        str,
        typer.Option(
            "--lost",
            metavar="REASON",
            help="The key before is lost and cannot name this one: what became of it, for the record.",
        ),
    ] = "",
    encryption: Annotated[
        bool,
        typer.Option(
            "--encryption/--no-encryption",
            help="Also make the key that originals are encrypted with.",
        ),
    ] = True,
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Make the site's keys, once; a key that is there is never written over.

    One signs evidence; the other encrypts the originals (clips and pictures that are not masked), and
    whoever loses it loses them: keep a copy of both where only you can reach it.

    Publish the fingerprint where the public can find it: whoever gets evidence compares it. With
    FOREWARN_KEY_PASSPHRASE in the environment the private key is kept locked, and every program that
    signs needs the same variable.

    Example: forewarn keys create --data var/site

    Where evidence was signed by a key that is lost, --lost REASON goes on with another: verification then
    needs both fingerprints, for nothing but your word leads from the one to the other.

    Example: FOREWARN_KEYS=/media/token forewarn keys create
    """

    folder, key_folder = data_dir(data), keys_dir(keys)
    place = KeyFolder(key_folder or folder.keys)
    is_new = not (if_none and place.has_key())
    grant = authorize(Permission.KEYS, folder, key_folder, by) if is_new else None
    before = keys_that_signed(folder)
    if is_new and before and not lost:
        raise Stop(
            f"{folder.custody}: is signed by key {before[0][:16]}…, which {place.folder} does not have; name its "
            "folder with --keys DIR or FOREWARN_KEYS, or say with --lost REASON what became of it"
        )
    signer = place.create(passphrase()) if is_new else place.signer(passphrase())
    if is_new and before:
        place.take_over(KeyFolder(folder.keys), before)
        note_keys_before(place, signer, before)
    chain = CustodyChain(folder.custody, signer) if is_new else open_chain(folder, key_folder)
    KeyFolder(folder.keys).publish(signer)
    if grant:
        chain = chain.for_person(grant.on_behalf)
    made = {"new_key_id": signer.key_id} | ({"lost": before[0], "reason": lost} if before else {})
    if is_new and encryption:
        made["encryption_key_id"] = encryption_keys.made_or_found(place.folder).key_id
    if is_new:
        chain.append("key created", "", made)
    if as_json:
        encrypts_with = made.get("encryption_key_id")
        print_json({"key_id": signer.key_id, "created": is_new, "encryption_key_id": encrypts_with})
        return
    console.print(f"{place.private_file}: {'a new key' if is_new else 'there already'}")
    console.print(f"fingerprint: {signer.key_id}", highlight=False, soft_wrap=True)
    if "encryption_key_id" in made:
        console.print(f"originals will be encrypted with key {made['encryption_key_id']}")
    if is_new:
        console.print(
            f"Keep a copy of {place.folder} where only you can reach it; without the encryption key "
            "nobody can open the originals. Publish the fingerprint.",
            soft_wrap=True,
        )


@app.command(
    help="""The fingerprint of the key that signs now, and its public half.

    Example: forewarn keys show --data var/site
    """
)
def show(
    keys: KeysOption = None, data: DataOption = DEFAULT_DATA, as_json: JsonOption = False
) -> None:
    """Print the signing key: its fingerprint and its public half."""

    folder, key_folder = data_dir(data), keys_dir(keys)
    signer = need_signer(folder, key_folder)
    pem = public_pem(signer.private.public_key()).decode()
    if as_json:
        where = KeyFolder(key_folder or folder.keys).private_file
        print_json({"key_id": signer.key_id, "private_file": str(where), "public_pem": pem})
        return
    print(f"fingerprint: {signer.key_id}\n{pem}", end="")


@app.command("list")
def list_keys(
    keys: KeysOption = None, data: DataOption = DEFAULT_DATA, as_json: JsonOption = False
) -> None:
    """All keys whose signatures count for a data folder, and what the custody chain tells of them.

    Example: forewarn keys list --json
    """
    folder, key_folder = data_dir(data), keys_dir(keys)
    for key in _all_keys(folder, _signing_now(folder, key_folder)):
        if as_json:
            print_json(key)
        else:
            state = "signs now" if key["signs_now"] else "retired, still checks"
            print(f"{key['key_id']}  {state}  in use since {key['since'] or 'unknown'}")


@app.command()
def rotate(
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Sign with a new key from now on; the old private key is deleted, its public half is kept.

    The last thing the old key signs is the custody entry that names the new one. Do it on a schedule,
    and at once where somebody may have copied the key; publish the new fingerprint beside the old.
    Nothing that signs may run meanwhile.

    Example: forewarn keys rotate --data var/site
    """

    folder, key_folder = data_dir(data), keys_dir(keys)
    grant = authorize(Permission.KEYS, folder, key_folder, by)
    with run_lock(folder):
        old, new = need_signer(folder, key_folder), new_signer()
        # public half first, then the old key's word for it: a crash in between harms nothing
        KeyFolder(folder.keys).publish(new)
        chain = open_chain(folder, key_folder).for_person(grant.on_behalf)
        chain.append("key rotated", "", {"new_key_id": new.key_id})
        statement = sign_file(old, f"{new.key_id}.pem", public_pem(new.private.public_key()))
        place = KeyFolder(key_folder or folder.keys)
        before = {old.key_id, *keys_that_signed(folder), *keys_before(place, old)}
        note_keys_before(place, new, before)
        place.replace(new, statement, passphrase())
    if as_json:
        print_json({"key_id": new.key_id, "before": old.key_id})
        return
    console.print(f"fingerprint: {new.key_id}", highlight=False, soft_wrap=True)
    console.print(f"before:      {old.key_id}", highlight=False, soft_wrap=True)


def _signing_now(folder: DataDir, keys: Any) -> str:

    try:
        signer = open_signer(folder, keys)
    except Stop as error:  # locked or elsewhere: the list is of public keys
        console.print(f"[dim]{error}[/dim]", soft_wrap=True)
        return ""
    return signer.key_id if signer else ""


def _all_keys(folder: DataDir, signing_now: str) -> list[dict[str, Any]]:

    since = {
        entry["details"].get("new_key_id"): entry["at"]
        for entry in CustodyChain(folder.custody).about("")
        if entry["kind"] in ("key created", "key rotated")
    }
    return [
        {"key_id": key_id, "signs_now": key_id == signing_now, "since": since.get(key_id, "")}
        for key_id in sorted(keys_of(folder), key=lambda each: since.get(each, ""))
    ]
