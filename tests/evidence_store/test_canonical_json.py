from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import PutAside
from evidence_store.files.canonical_json import from_canonical, to_canonical

TEXT = st.text(st.characters(codec="utf-8"))
SMALL = st.integers(-(2**53) + 1, 2**53 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | SMALL | st.floats(-(2.0**53) + 1, 2.0**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
)


@given(VALUES)
def test_what_is_spelled_canonically_is_read(value: object) -> None:
    assert to_canonical(from_canonical(to_canonical(value))) == to_canonical(value)


@given(VALUES, st.booleans(), st.booleans())
def test_no_other_spelling_is_read(value: object, ascii_only: bool, sort: bool) -> None:
    for separators in ((",", ":"), (", ", ": ")):
        spelled = json.dumps(
            value, ensure_ascii=ascii_only, sort_keys=sort, separators=separators
        ).encode()
        if spelled != to_canonical(value):
            with pytest.raises(PutAside):
                from_canonical(spelled)


@pytest.mark.parametrize(
    "odd",
    [
        b'{"a":1.0}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":9007199254740993}',
        b'{"a":-0}',
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'{"a": 1}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\/"}',
        b'{"a":1e0}',
        b'{"a":1}\n',
    ],
)
def test_odd_spellings_are_refused(odd: bytes) -> None:
    with pytest.raises(PutAside):
        from_canonical(odd)


@pytest.mark.parametrize(
    "value",
    [
        # UTF-16, by which members are ordered, has the emoji before the last letters of two bytes
        {"\U0001f600": 1, "\uffee": 2},
        {"理由": "案件复核", "a": 1},
        {"a": 0.5, "案": [10**14, 10**15]},
    ],
)
def test_all_letters_and_numbers_are_read_back(value: object) -> None:
    assert from_canonical(to_canonical(value)) == value


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(PutAside):
        from_canonical(b'{"a":"\\ud800"}')
