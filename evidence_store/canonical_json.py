"""JSON that has exactly one spelling (RFC 8785), so that a hash or a signature of it means something.

Source: RFC 8785, JSON Canonicalization Scheme, by the library rfc8785 (Trail of Bits, Apache-2.0).
"""

from __future__ import annotations

import json
from typing import Any

import rfc8785

from domain.errors import PutAside

# beyond this, readers that keep numbers as doubles (JavaScript) lose digits; RFC 8785 refuses them
LARGEST_INT = 2**53 - 1


def to_canonical(value: Any) -> bytes:
    """The one canonical spelling of a JSON value, UTF-8, without a line's end.

    Raises:
        PutAside: it cannot be spelled canonically: NaN, too large an integer, no JSON type.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, TypeError, ValueError) as error:
        raise PutAside(f"cannot be written as canonical JSON (RFC 8785): {error}") from error


def from_canonical(content: bytes) -> Any:
    """Read canonical JSON; any other spelling of the same value is refused.

    Raises:
        PutAside: it is no JSON, or not in its canonical spelling.
    """
    try:
        value = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise PutAside(f"is not JSON: {error}") from error
    if to_canonical(value) != content:
        raise PutAside("is JSON, but not in its canonical spelling (RFC 8785)")
    return value


def without_large_integers(value: Any) -> Any:
    """The same with integers that doubles cannot hold written as strings, as RFC 8785 advises."""
    if isinstance(value, dict):
        return {name: without_large_integers(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_large_integers(each) for each in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_INT:
        return str(value)
    return value
