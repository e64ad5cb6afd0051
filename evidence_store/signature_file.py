"""A detached Ed25519 signature as a small file beside what it signs.

The signature is over the signed file's bytes as they are, so `openssl pkeyutl -verify -rawin` checks
it as well as we do. Every byte of the signature file itself is fixed by what is checked here.
"""

from __future__ import annotations

from domain.errors import PutAside
from evidence_store.canonical_json import from_canonical, to_canonical
from evidence_store.keys import PublicKeys, Signer, fault_of_signature

FORMAT = "forewarn signature 1"
ALGORITHM = "Ed25519"


def sign_file(signer: Signer, name: str, content: bytes) -> bytes:
    """The signature file of a file of that name and content."""
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
    """What is wrong with a signature file, "" if nothing.

    Args:
        name, content: what should be signed.
        key_id: which key should have signed it.
    """
    try:
        told = from_canonical(signature_file)
    except PutAside as error:
        return str(error)
    expected = {"format": FORMAT, "algorithm": ALGORITHM, "signs": name, "key_id": key_id}
    if not isinstance(told, dict) or told.keys() != {*expected, "signature"}:
        return "is no signature file"
    for field, value in expected.items():
        if told[field] != value:
            return f"its {field} should be {value!r}, got {str(told[field])[:80]!r}"
    return fault_of_signature(keys, key_id, str(told["signature"]), content)
