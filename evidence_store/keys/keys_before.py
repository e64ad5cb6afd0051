"""Let the key that signs now say which keys were the site's before it.

Keys may lie in the data folder. Then whoever can write there can put a public key of their own, begin a chain with
it, and let it name the site's key as the next: only that key itself can say whom it followed.
"""

from __future__ import annotations

from collections.abc import Collection

from domain.errors import PutAside
from domain.files import write_atomically
from evidence_store.files.canonical_json import from_canonical, to_canonical
from evidence_store.files.plain_file import read_plain
from evidence_store.files.try_again import reraise_as_try_again
from evidence_store.keys.signing_keys import PUBLIC_FOLDER, KeyFolder, Signer, fault_of_signature

FORMAT = "forewarn keys before 1"
ENDING = ".keys-before"


def note_keys_before(folder: KeyFolder, signer: Signer, key_ids: Collection[str]) -> None:
    """Write, signed by `signer`, that keys were the site's before it; raises TryAgain where that fails."""
    told = {
        "format": FORMAT,
        "key_id": signer.key_id,
        "key_ids": sorted({*key_ids} - {signer.key_id}),
    }
    content = to_canonical({**told, "signature": signer.sign(to_canonical(told))})
    path = folder.folder / PUBLIC_FOLDER / f"{signer.key_id}{ENDING}"
    with reraise_as_try_again(str(path), advice=""):
        write_atomically(path, content, mode=0o644)


def keys_before(folder: KeyFolder, signer: Signer) -> frozenset[str]:
    """Return the keys that, by `signer`'s own signature, were the site's before it; none where there is none."""
    try:
        told = from_canonical(
            read_plain(folder.folder / PUBLIC_FOLDER / f"{signer.key_id}{ENDING}")
        )
        signature, key_ids = str(told.pop("signature")), frozenset(map(str, told["key_ids"]))
        content = to_canonical(told)
    except (OSError, PutAside, AttributeError, KeyError, TypeError):
        return frozenset()
    own = {signer.key_id: signer.private.public_key()}
    is_own_word = told.get("format") == FORMAT and not fault_of_signature(
        own, signer.key_id, signature, content
    )
    return key_ids if is_own_word else frozenset()
