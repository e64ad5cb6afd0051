"""A rule key and its string are the same thing, and no two keys share a string."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rule_key import RuleKey

ids = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
keys = st.builds(RuleKey, ids, ids)


@given(keys)
def test_a_key_comes_back_from_its_string(key: RuleKey) -> None:
    assert RuleKey.parse(str(key)) == key
    assert str(key) == f"{key.camera_id}|{key.rule_id}", "saved states have it so"


@given(st.lists(keys, unique=True))
def test_different_keys_have_different_strings(several: list[RuleKey]) -> None:
    assert len({str(key) for key in several}) == len(several)


@given(st.lists(keys))
def test_keys_are_ordered_by_camera_and_then_by_rule(several: list[RuleKey]) -> None:
    expected = sorted((key.camera_id, key.rule_id) for key in several)
    assert [(key.camera_id, key.rule_id) for key in sorted(several)] == expected


@pytest.mark.parametrize("text", ["", "gate", "gate|rule|more", "||"])
def test_a_string_that_is_not_two_ids_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        RuleKey.parse(text)
