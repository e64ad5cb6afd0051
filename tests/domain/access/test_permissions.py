"""Permissions for the unmasked need a list of people and a reason; all have words."""

from __future__ import annotations

import pytest

from domain.access.permissions import NEEDS_A_REASON, REQUIRES_PEOPLE_FILE, WORDS, Permission


@pytest.mark.parametrize("permission", Permission)
def test_a_permission_has_words_that_end_a_sentence(permission: Permission) -> None:
    words = WORDS[permission]
    assert not words.en.endswith(".") and words.en[0].islower()
    assert not words.zh.isascii()


def test_no_two_permissions_read_the_same() -> None:
    assert len({words.en for words in WORDS.values()}) == len(Permission)
    assert len({words.zh for words in WORDS.values()}) == len(Permission)


@pytest.mark.parametrize("permission", [each for each in Permission if "unmasked" in each.value])
def test_the_unmasked_is_never_anybodys_and_never_without_a_reason(permission: Permission) -> None:
    assert permission in REQUIRES_PEOPLE_FILE and permission in NEEDS_A_REASON


def test_the_masked_needs_no_reason() -> None:
    assert {each for each in Permission if "unmasked" in each.value} == NEEDS_A_REASON
