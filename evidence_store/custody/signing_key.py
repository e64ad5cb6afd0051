"""Open the key that signs for a data folder, and the public keys whose signatures count there.

`keys` is the folder of the private key; None: the data folder's own. Its public half is kept in the data
folder, so that signatures can be checked there: TryAgain where that cannot be written.
"""

from __future__ import annotations

import os
from pathlib import Path

from domain.data_dir import DataDir
from domain.errors import Stop
from evidence_store.custody.chain import CustodyChain
from evidence_store.custody.own_chain import claimed_succession, go_on_with
from evidence_store.keys.signing_keys import PASSPHRASE_VARIABLE, KeyFolder, PublicKeys, Signer


def keys_of(data: DataDir) -> PublicKeys:
    """Return the public keys that are kept in this data folder; which of them count, the chain says."""
    return KeyFolder(data.keys).public_keys()


def keys_that_signed(data: DataDir) -> list[str]:
    """Return the ids of the keys that signed a data folder's chain, as it claims, the last one first."""
    claimed = claimed_succession(CustodyChain(data.custody), {})
    return sorted(claimed.counted, key=lambda each: each != claimed.in_force)


def open_signer(data: DataDir, keys: Path | None) -> Signer | None:
    """Open a data folder's signing key, None where there is none; raises Stop where it cannot be used."""
    folder = KeyFolder(keys or data.keys)
    if not folder.has_key():
        return None
    signer = folder.signer(passphrase())
    KeyFolder(data.keys).publish(signer)
    return signer


def need_signer(data: DataDir, keys: Path | None) -> Signer:
    """Open a data folder's signing key; raises Stop, saying what to do, where there is none to be used."""
    signer = open_signer(data, keys)
    if signer is None:
        option = f"--keys {keys}" if keys else f"--data {data.root}"
        raise Stop(
            f"{KeyFolder(keys or data.keys).private_file}: evidence is signed with the site's own key "
            f"and there is none; make one with `forewarn keys create {option}`, or say --unsealed "
            "for evidence without a signature"
        )
    return signer


def open_chain(data: DataDir, keys: Path | None = None) -> CustodyChain:
    """Open a data folder's custody chain to add to it; unsigned where no key ever signed there.

    Raises:
        Stop: the key cannot be used, or is kept elsewhere; the chain is not the site's own.
    """
    signer = open_signer(data, keys)
    if signer is None and keys_of(data):
        raise Stop(
            f"{data.root}: what is done with its evidence is signed, and the key is not in "
            f"{keys or data.keys}; name its folder with --keys DIR or FOREWARN_KEYS"
        )
    return _signed_by(signer, data, keys) if signer else CustodyChain(data.custody)


def open_sealing_chain(data: DataDir, keys: Path | None, *, unsealed: bool) -> CustodyChain:
    """Open the custody chain with the key that signs new evidence; `unsealed`: it may go unsigned.

    Raises:
        Stop: there is no key though one is needed, or it cannot be used; the chain is not the site's own.
    """
    if not unsealed:
        return _signed_by(need_signer(data, keys), data, keys)
    if keys_of(data):
        raise Stop(
            f"{data.root}: its evidence is signed, so --unsealed is for another data folder; "
            "leave it out, or name another folder with --data"
        )
    return CustodyChain(data.custody)


def _signed_by(signer: Signer, data: DataDir, keys: Path | None) -> CustodyChain:
    folder = KeyFolder(keys or data.keys)
    own = go_on_with(CustodyChain(data.custody), signer, folder)
    # those in between, where the key was rotated for another data folder
    KeyFolder(data.keys).take_over(folder, own.own_keys)
    return own


def passphrase() -> str:
    """Read from the environment what opens the private key; "" where it needs none."""
    return os.environ.get(PASSPHRASE_VARIABLE, "")
