"""A data folder's vault with the keys to it, to read or to seal in."""

from __future__ import annotations

import os
from pathlib import Path

from domain.data_dir import DataDir
from domain.errors import Stop
from evidence_store.custody import CustodyChain
from evidence_store.encryption_keys import KEY_VARIABLE, EncryptionKeys, find_encryption_keys
from evidence_store.vault import Vault

KEYS_VARIABLE = "FOREWARN_KEYS"
_TELLING = ("key created", "encryption on", "encryption off")


def encryption_folder(data: DataDir, keys: Path | None = None) -> Path:
    """Where the encryption keys of a data folder lie, unless the environment holds them.

    Args:
        keys: as named on the command line; None: FOREWARN_KEYS says so, else the data folder's own.
    """
    named = os.environ.get(KEYS_VARIABLE)
    return keys or (Path(named).expanduser() if named else data.keys)


def open_vault(data: DataDir, keys: Path | None = None) -> Vault:
    """The vault to read from.

    Args:
        keys: as for encryption_folder.
    Raises:
        Stop: there is an encryption key, but it cannot be used.
    """
    return Vault(data.evidence, encryption_keys(data, keys))


def encryption_keys(data: DataDir, keys: Path | None = None) -> EncryptionKeys:
    """The keys that open a data folder's originals, and the one in force.

    Args:
        keys: as for encryption_folder.
    Raises:
        Stop: there is an encryption key, but it cannot be used.
    """
    return find_encryption_keys(encryption_folder(data, keys))


def open_sealing_vault(data: DataDir, keys: Path | None, chain: CustodyChain) -> Vault:
    """The vault to seal in: encrypting where there is a key, and never by silence no longer.

    Args:
        keys: as for encryption_folder.
        chain: remembers whether originals are encrypted; is told where a key came into force.
    Raises:
        Stop: originals were encrypted up to now and the key is not at hand; or it cannot be used.
        TryAgain: the chain cannot be written.
    """
    vault, told = open_vault(data, keys), encryption_told(chain)
    if vault.keys.current is None:
        if told:
            raise Stop(
                f"{data.root}: its originals are encrypted with key {told}, which is not at hand "
                f"(looked in {vault.keys.source}); name its folder with --keys or FOREWARN_KEYS, put "
                f"it into {KEY_VARIABLE}, or say `forewarn keys encryption off` to keep originals plain"
            )
    elif vault.keys.current.key_id != told:
        key_id = vault.keys.current.key_id
        chain.append("encryption on", "", {"encryption_key_id": key_id})
    return vault


def encryption_told(chain: CustodyChain) -> str:
    """Id of the key that originals are encrypted with, as the chain tells it; "": they are plain."""
    key_id = ""
    for entry in chain.about(""):
        if entry["kind"] == "encryption off":
            key_id = ""
        elif entry["kind"] in _TELLING:
            key_id = str(entry["details"].get("encryption_key_id", key_id))
    return key_id
