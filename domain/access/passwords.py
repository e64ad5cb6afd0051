"""Hash, check and make passwords; kept are scrypt hashes.

Source of the cost: OWASP's Password Storage Cheat Sheet (2^15, 8, 3): 32 MiB and some 0.2 s of one core
for each attempt, a stolen people file's included.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import unicodedata

SHORTEST = 10  # characters
LONGEST = 256
_COST, _BLOCK, _LANES = 2**15, 8, 3
_KEY_BYTES, _SALT_BYTES = 32, 16
_MOST_MEMORY = 256 * 1024 * 1024
# without what is easily taken for something else
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def hash_password(password: str) -> str:
    """Make "scrypt$cost$block$lanes$salt$key", salt and key in base64; see `check_strength`."""
    check_strength(password)
    salt = secrets.token_bytes(_SALT_BYTES)
    key = _derive(password, salt, _COST, _BLOCK, _LANES)
    return f"scrypt${_COST}${_BLOCK}${_LANES}${_text(salt)}${_text(key)}"


def matches(password: str, kept: str) -> bool:
    """Tell whether `kept` was made of this password; takes its time, 0.2 s."""
    cost, block, lanes, salt, key = _parts(kept)
    if len(password) > LONGEST:
        return False
    return hmac.compare_digest(_derive(password, salt, cost, block, lanes), key)


def check_hash(kept: str) -> str:
    """Return `kept` where it is a hash as `hash_password` makes them.

    Raises:
        ValueError: it is none; the text is not repeated, it may be a password.
    """
    _parts(kept)
    return kept


def check_strength(password: str) -> None:
    """Raise ValueError for a password too short to be worth one, or longer than anybody types."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ValueError(
            f"a password has {SHORTEST} to {LONGEST} characters, got {len(password)}; "
            "four unrelated words are easy to keep and hard to guess"
        )


def new_password() -> str:
    """Make a random password that can be read out: five groups of four, 99 bits."""
    groups = ["".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(5)]
    return "-".join(groups)


def _derive(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    # an "é" typed as one sign or as two is the same password
    typed = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(
        typed, salt=salt, n=cost, r=block, p=lanes, maxmem=_MOST_MEMORY, dklen=_KEY_BYTES
    )


def _parts(kept: str) -> tuple[int, int, int, bytes, bytes]:
    fault = ValueError("is no hash of a password; `forewarn people password ID` makes one")
    try:
        kind, cost, block, lanes, salt, key = kept.split("$")
        numbers = [int(each) for each in (cost, block, lanes)]
        salted, derived = (base64.b64decode(each, validate=True) for each in (salt, key))
    except (ValueError, binascii.Error):
        raise fault from None
    n, r, p = numbers
    is_power = n >= 2**14 and n & (n - 1) == 0
    affordable = 1 <= r <= 32 and 1 <= p <= 16 and 128 * n * r < _MOST_MEMORY
    if kind != "scrypt" or not is_power or not affordable:
        raise fault
    if len(salted) < _SALT_BYTES or len(derived) != _KEY_BYTES:
        raise fault
    return n, r, p, salted, derived


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
