"""Write and check a detached Ed25519 signature: a small file beside the one that it signs.

The signature is over the signed file's bytes as they are, so `openssl pkeyutl -verify -rawin` checks
it as well as we do. Every byte of the signature file itself is fixed by what is checked here.
"""

from __future__ import annotations

from domain.errors import PutAside
from evidence_store.files.canonical_json import from_canonical, to_canonical
from evidence_store.keys.signing_keys import PublicKeys, Signer, fault_of_signature

FORMAT = "forewarn signature 1"
ALGORITHM = "Ed25519"


def sign_file(signer: Signer, name: str, content: bytes) -> bytes:
    """Make the signature file of a file of that name and content."""
    return to_canonical(
        {
            "format": FORMAT,
            "algorithm": ALGORITHM,
            "signs": name,
            "key_id": signer.key_id,
            "signature": signer.sign(content),
        }
    )


def fault_of_signature_file(
    signature_file: bytes, name: str, content: bytes, key_id: str, keys: PublicKeys
) -> str:
    """Describe what is wrong with a signature file: "" if nothing.

    It should sign `content` under `name`, by the key `key_id`, which is looked up in `keys`.
    """
    try:
        signature = from_canonical(signature_file)
    except PutAside as error:
        return str(error)
    expected = {"format": FORMAT, "algorithm": ALGORITHM, "signs": name, "key_id": key_id}
    if not isinstance(signature, dict) or signature.keys() != {*expected, "signature"}:
        return "is no signature file"
    for field, value in expected.items():
        if signature[field] != value:
            return f"its {field} should be {value!r}, got {str(signature[field])[:80]!r}"
    return fault_of_signature(keys, key_id, str(signature["signature"]), content)
