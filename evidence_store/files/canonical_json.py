"""Write and read JSON in its one canonical spelling (RFC 8785), so that it can be hashed and signed.

Source: RFC 8785, JSON Canonicalization Scheme, by the library rfc8785 (Trail of Bits, Apache-2.0).
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import rfc8785

from domain.errors import PutAside

# beyond this, readers that keep numbers as doubles (JavaScript) lose digits; RFC 8785 refuses them
LARGEST_INT = 2**53 - 1
_PLAIN_DIGITS = 15  # fewer than LARGEST_INT has
# begin, in UTF-8, the letters that UTF-16, by which RFC 8785 orders members, orders otherwise than Python
_RARE_LEADS = (b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4")

_spell = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


class _Odd(Exception):
    """A number that the standard library may spell otherwise than RFC 8785."""


def _refuse_float(text: str) -> float:
    raise _Odd


def _plain_integer(text: str) -> int:
    if len(text) > _PLAIN_DIGITS:
        raise _Odd
    return int(text)


# built once: building them costs as much as an entry of the custody chain
_read_plain = json.JSONDecoder(
    parse_float=_refuse_float, parse_int=_plain_integer, parse_constant=_refuse_float
).decode
_read_any = json.JSONDecoder().decode


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
    try:
        text = content.decode("utf-8")
        # without fractions, large integers and rare letters the standard library spells the same, at a tenth of
        # the time
        with suppress(_Odd):
            value = _read_plain(text)
            if not any(lead in content for lead in _RARE_LEADS) and _spells(value, content):
                return value
        value = _read_any(text)
    except (ValueError, RecursionError) as error:
        raise PutAside(f"is not JSON: {error}") from error
    if to_canonical(value) != content:
        raise PutAside("is JSON, but not in its canonical spelling (RFC 8785)")
    return value


def _spells(value: Any, content: bytes) -> bool:
    try:
        return _spell(value).encode() == content
    # half a surrogate pair, escaped
    except UnicodeEncodeError:
        return False


def without_large_integers(value: Any) -> Any:
    """Copy a value with integers that doubles cannot hold as strings, as RFC 8785 advises."""
    if isinstance(value, dict):
        return {name: without_large_integers(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [without_large_integers(member) for member in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_INT:
        return str(value)
    return value
