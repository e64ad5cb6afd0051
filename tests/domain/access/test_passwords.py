"""A hash fits its password and no other, and a hash of somebody else's making is refused."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access import passwords
from domain.access.passwords import (
    LONGEST,
    SHORTEST,
    check_hash,
    check_strength,
    hash_password,
    matches,
    new_password,
)
from tests.support.kept_password import HASH, PASSWORD

KIND, COST, BLOCK, LANES, SALT, KEY = HASH.split("$")


def test_two_hashes_of_one_password_differ_and_both_fit() -> None:
    one, again = hash_password(PASSWORD), hash_password(PASSWORD)
    assert again != one and PASSWORD not in one
    assert matches(PASSWORD, one) and matches(PASSWORD, again)


def test_a_hash_that_was_kept_fits() -> None:
    assert matches(PASSWORD, HASH)


@given(st.text(min_size=SHORTEST, max_size=30).filter(lambda text: text != PASSWORD))
def test_no_other_password_fits(password: str) -> None:
    assert not matches(password, HASH)


@pytest.mark.parametrize(
    "password",
    ["four unrelated words ", " four unrelated words", "Four unrelated words", "", "f" * 300],
)
def test_a_password_that_only_looks_alike_does_not_fit(password: str) -> None:
    assert not matches(password, HASH)


def test_a_password_longer_than_anybody_types_costs_nothing_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def derive(*_: object, **__: object) -> bytes:
        pytest.fail("it was hashed")

    monkeypatch.setattr(passwords.hashlib, "scrypt", derive)
    assert not matches("x" * (LONGEST + 1), HASH)


def test_letters_beyond_ascii_make_a_password() -> None:
    assert matches("四个不相干的词语在一起", hash_password("四个不相干的词语在一起"))


@given(st.integers(0, 400))
def test_only_the_length_makes_a_password_weak(length: int) -> None:
    if SHORTEST <= length <= LONGEST:
        check_strength("x" * length)
        return
    with pytest.raises(ValueError, match=f"got {length};"):
        check_strength("x" * length)


@pytest.mark.parametrize(
    "kept",
    [
        "",
        PASSWORD,
        "$" * 5,
        f"bcrypt${COST}${BLOCK}${LANES}${SALT}${KEY}",
        f"{KIND}$1024${BLOCK}${LANES}${SALT}${KEY}",  # cheap to guess
        f"{KIND}$32769${BLOCK}${LANES}${SALT}${KEY}",  # no power of two
        f"{KIND}$1073741824${BLOCK}${LANES}${SALT}${KEY}",  # eats the machine
        f"{KIND}${COST}$0${LANES}${SALT}${KEY}",
        f"{KIND}${COST}${BLOCK}$99${SALT}${KEY}",
        f"{KIND}${COST}${BLOCK}${LANES}$c2FsdA==${KEY}",  # a salt of four bytes
        f"{KIND}${COST}${BLOCK}${LANES}${SALT}$a2V5",
        f"{KIND}${COST}${BLOCK}${LANES}${SALT}$!!!!",
        HASH + "$",
    ],
    # not by its text: every worker of a test run makes another hash
    ids=lambda kept: f"{len(kept)} characters",
)
def test_what_is_no_hash_of_ours_is_refused_without_being_repeated(kept: str) -> None:
    with pytest.raises(ValueError, match="is no hash of a password") as caught:
        check_hash(kept)
    assert not kept or kept not in str(caught.value)
    with pytest.raises(ValueError, match="is no hash of a password"):
        matches(PASSWORD, kept)


def test_a_hash_is_taken_as_it_is_and_costs_what_owasp_asks_for() -> None:
    made = hash_password(PASSWORD)
    assert check_hash(made) == made
    kind, cost, block, lanes, salt, key = made.split("$")
    assert (kind, int(cost), int(block), int(lanes)) == ("scrypt", 2**15, 8, 3)
    assert len(base64.b64decode(salt)) == 16 and len(base64.b64decode(key)) == 32


def test_a_made_password_can_be_read_out_and_is_strong_enough() -> None:
    made = [new_password() for _ in range(50)]
    assert len(set(made)) == 50
    for password in made:
        assert re.fullmatch(r"([a-z2-9]{4}-){4}[a-z2-9]{4}", password)
        assert not set("ilo01") & set(password), "taken for one another on paper"
        check_strength(password)
