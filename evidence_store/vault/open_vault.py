"""Open a data folder's vault with its encryption keys, to read or to seal in."""

from __future__ import annotations

import os
from pathlib import Path

from domain.data_dir import DataDir
from domain.errors import Stop
from evidence_store.custody.chain import CustodyChain
from evidence_store.keys.encryption_keys import KEY_VARIABLE, EncryptionKeys, find_encryption_keys
from evidence_store.vault.vault import Vault

KEYS_VARIABLE = "FOREWARN_KEYS"
_NAMING_A_KEY = ("key created", "encryption on")


def encryption_folder(data: DataDir, keys: Path | None = None) -> Path:
    """Return the encryption keys' folder: `keys`, else FOREWARN_KEYS, else the data folder's."""
    named = os.environ.get(KEYS_VARIABLE)
    return keys or (Path(named).expanduser() if named else data.keys)


def open_vault(data: DataDir, keys: Path | None = None) -> Vault:
    """Open the vault to read from; takes and raises what `encryption_keys` does."""
    return Vault(data.evidence, encryption_keys(data, keys))


def encryption_keys(data: DataDir, keys: Path | None = None) -> EncryptionKeys:
    """Read the keys that open a data folder's originals; `keys` as for `encryption_folder`.

    Raises:
        Stop: there is an encryption key, but it cannot be used.
    """
    return find_encryption_keys(encryption_folder(data, keys))


def open_sealing_vault(data: DataDir, keys: Path | None, chain: CustodyChain) -> Vault:
    """Open the vault to seal in, encrypting where there is a key (`keys` as for `encryption_folder`).

    The custody chain remembers the key: a key that is missing does not silently leave originals plain.
    It gets an "encryption on" entry where another key came into force.

    Raises:
        Stop: originals were encrypted up to now and the key is not at hand; or it cannot be used.
        TryAgain: the chain cannot be written.
    """
    vault, known_id = open_vault(data, keys), key_id_on_chain(chain)
    if vault.keys.current is None:
        if known_id:
            raise Stop(
                f"{data.root}: its originals are encrypted with key {known_id}, which is not at hand "
                f"(looked in {vault.keys.source}); name its folder with --keys or FOREWARN_KEYS, put "
                f"it into {KEY_VARIABLE}, or say `forewarn keys encryption off` to keep originals plain"
            )
    elif vault.keys.current.key_id != known_id:
        key_id = vault.keys.current.key_id
        chain.append("encryption on", "", {"encryption_key_id": key_id})
    return vault


def key_id_on_chain(chain: CustodyChain) -> str:
    """Read from the chain the id of the key that originals are encrypted with; "": they are plain."""
    key_id = ""
    for entry in chain.about(""):
        if entry["kind"] == "encryption off":
            key_id = ""
        elif entry["kind"] in _NAMING_A_KEY:
            key_id = str(entry["details"].get("encryption_key_id", key_id))
    return key_id
