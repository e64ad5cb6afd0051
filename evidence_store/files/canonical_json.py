"""Write and read JSON in its one canonical spelling (RFC 8785), so that it can be hashed and signed.

Source: RFC 8785, JSON Canonicalization Scheme, by the library rfc8785 (Trail of Bits, Apache-2.0).
"""

from __future__ import annotations

import json
from typing import Any

import rfc8785

from domain.errors import PutAside

# beyond this, readers that keep numbers as doubles (JavaScript) lose digits; RFC 8785 refuses them
LARGEST_INT = 2**53 - 1
_PLAIN_DIGITS = 15  # fewer than LARGEST_INT has

_spell = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def to_canonical(value: Any) -> bytes:
    """Spell a JSON value canonically, in UTF-8, without a line's end.

    Raises:
        PutAside: it cannot be spelled canonically: NaN, too large an integer, no JSON type.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, TypeError, ValueError) as error:
        raise PutAside(f"cannot be written as canonical JSON (RFC 8785): {error}") from error


def from_canonical(content: bytes) -> Any:
    """Read JSON in its canonical spelling; raises PutAside for any other, and for no JSON."""
    odd: list[str] = []

    def note_float(text: str) -> float:
        odd.append(text)
        return float(text)

    def note_integer(text: str) -> int:
        if len(text) > _PLAIN_DIGITS:
            odd.append(text)
        return int(text)

    try:
        value = json.loads(
            content.decode("utf-8"),
            parse_float=note_float,
            parse_int=note_integer,
            parse_constant=note_float,
        )
    except (ValueError, RecursionError) as error:
        raise PutAside(f"is not JSON: {error}") from error
    # without fractions, large integers and other letters than ASCII's the standard library spells the same,
    # at a tenth of the time
    if not odd and content.isascii() and _spell(value).encode() == content:
        return value
    if to_canonical(value) != content:
        raise PutAside("is JSON, but not in its canonical spelling (RFC 8785)")
    return value


def without_large_integers(value: Any) -> Any:
    """Copy a value with integers that doubles cannot hold as strings, as RFC 8785 advises."""
    if isinstance(value, dict):
        return {name: without_large_integers(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [without_large_integers(member) for member in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_INT:
        return str(value)
    return value
