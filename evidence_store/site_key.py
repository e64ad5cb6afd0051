"""Which key signs for a data folder, and which keys' signatures count there."""

from __future__ import annotations

import os
from pathlib import Path

from domain.data_dir import DataDir
from domain.errors import Stop
from evidence_store.custody import CustodyChain
from evidence_store.keys import PASSPHRASE_VARIABLE, KeyFolder, PublicKeys, Signer


def keys_of(data: DataDir) -> PublicKeys:
    """The public keys whose signatures count for this data folder."""
    return KeyFolder(data.keys).public_keys()


def open_signer(data: DataDir, keys: Path | None) -> Signer | None:
    """The key that signs for a data folder; None where there is none.

    Its public half is kept in the data folder, so that signatures can be checked there.

    Args:
        keys: folder of the private key; None: the data folder's own.
    Raises:
        Stop: there is a key, but it cannot be used.
        TryAgain: the data folder cannot be written.
    """
    folder = KeyFolder(keys or data.keys)
    if not folder.has_key():
        return None
    signer = folder.signer(passphrase())
    KeyFolder(data.keys).publish(signer)
    return signer


def need_signer(data: DataDir, keys: Path | None) -> Signer:
    """The key that signs for a data folder.

    Raises:
        Stop: there is none, or it cannot be used; says what to do.
        TryAgain: the data folder cannot be written.
    """
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
    """A data folder's custody chain, ready to be added to; unsigned where no key ever signed there.

    Raises:
        Stop: the key cannot be used, or is kept elsewhere.
        TryAgain: the data folder cannot be written.
    """
    signer = open_signer(data, keys)
    if signer is None and keys_of(data):
        raise Stop(
            f"{data.root}: what is done with its evidence is signed, and the key is not in "
            f"{keys or data.keys}; name its folder with --keys DIR or FOREWARN_KEYS"
        )
    return CustodyChain(data.custody, signer)


def open_sealing_chain(data: DataDir, keys: Path | None, *, unsealed: bool) -> CustodyChain:
    """The custody chain with the key that new evidence is signed with.

    Args:
        unsealed: somebody said that evidence without a signature is fine.
    Raises:
        Stop: there is no key though one is needed, or it cannot be used.
        TryAgain: the data folder cannot be written.
    """
    if not unsealed:
        return CustodyChain(data.custody, need_signer(data, keys))
    if keys_of(data):
        raise Stop(
            f"{data.root}: its evidence is signed, so --unsealed is for another data folder; "
            "leave it out, or name another folder with --data"
        )
    return CustodyChain(data.custody)


def passphrase() -> str:
    """What opens the private key, from the environment; "" where it needs none."""
    return os.environ.get(PASSPHRASE_VARIABLE, "")
