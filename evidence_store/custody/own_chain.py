"""Tell whether a custody chain is the site's own before anything is added to it.

What is added vouches, by its link, for all that lies before: a key must not go on where a stranger began.
Signatures are not checked here (`forewarn evidence verify` does), only whose they claim to be.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from domain.errors import PutAside, Stop
from evidence_store.custody.chain import CustodyChain
from evidence_store.files.canonical_json import from_canonical
from evidence_store.keys.key_succession import ROTATED, KeySuccession, follow_statements
from evidence_store.keys.keys_before import keys_before
from evidence_store.keys.signing_keys import KeyFolder, PublicKeys, Signer


def go_on_with(chain: CustodyChain, signer: Signer, folder: KeyFolder) -> CustodyChain:
    """Return the chain to be signed by a key of this folder; raises Stop where it is not the site's own.

    Public keys that lie in the data folder count as the site's only where the signing key says that it followed
    them. Where the key was rotated for another data folder, an entry says first by whose word the new one signs.
    """
    keys = folder.public_keys()
    why = "has never had such a key"
    if lies_within(folder.folder, chain.path.parent):
        own_ids = {signer.key_id, *keys_before(folder, signer)}
        keys = {key_id: key for key_id, key in keys.items() if key_id in own_ids}
        why = f"has no word of {signer.key_id[:16]}… that it followed such a key"
    succession = claimed_succession(chain, keys)
    if strangers := sorted(succession.counted - keys.keys()):
        raise Stop(
            f"{chain.path}: has entries signed by {', '.join(each[:16] + '…' for each in strangers)}, and "
            f"{folder.folder} {why}; is it another site's, or was it written anew? "
            "`forewarn evidence verify` says more; put a sound copy in its place, or name the right keys, in a "
            "folder outside this one, with --keys DIR or FOREWARN_KEYS"
        )
    own = replace(chain, signer=signer, earlier_keys=keys)
    if not succession.may_sign(signer.key_id):
        statements = _statements(folder, succession.in_force, signer.key_id, keys)
        own.append(ROTATED, "", {"new_key_id": signer.key_id, "statements": statements})
    return own


def _statements(
    folder: KeyFolder, old_id: str, new_id: str, keys: PublicKeys
) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    key_id = new_id
    # one that names itself leads nowhere
    for _ in keys:
        statement = folder.statement_about(key_id)
        if statement is None or key_id == old_id:
            break
        try:
            found.insert(0, from_canonical(statement))
            key_id = str(found[0]["key_id"])
        except (PutAside, KeyError, TypeError):
            break
    if follow_statements(old_id, found, keys) != new_id:
        raise Stop(
            f"{folder.folder}: its key {new_id[:16]}… was not named by {old_id[:16]}…, which signed the "
            "custody chain so far; was it lost and made anew? `forewarn keys create --lost REASON` "
            "makes another, on record"
        )
    return found


def lies_within(folder: Path, other: Path) -> bool:
    """Tell whether a folder is another one, or lies in it, wherever links lead."""
    # unlike Path.resolve, it also takes a link that leads to itself
    return Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(other))


def claimed_succession(chain: CustodyChain, keys: PublicKeys) -> KeySuccession:
    """Follow the keys that a chain's entries name, signatures unchecked."""
    succession = KeySuccession(keys)
    for entry in chain.about_keys():
        with suppress(KeyError, TypeError, AttributeError):
            succession.take(entry)
    return succession
