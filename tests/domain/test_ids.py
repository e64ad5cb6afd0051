"""Ids repeat for the same happening and differ for any other."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import mint

parts = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\x1f"), max_size=12), max_size=4
)


@given(parts)
def test_the_same_parts_give_the_same_short_id(values: list[str]) -> None:
    made = mint("ofc", *values)
    assert made == mint("ofc", *values)
    assert re.fullmatch(r"ofc-[0-9a-f]{16}", made)


@given(st.lists(parts, min_size=2, max_size=12, unique_by=lambda values: "\x1f".join(values)))
def test_other_parts_give_another_id(several: list[list[str]]) -> None:
    assert len({mint("evt", *values) for values in several}) == len(several)


def test_parts_are_kept_apart() -> None:
    assert mint("evt", "ab", "c") != mint("evt", "a", "bc") != mint("evt", "abc")


def test_what_an_id_is_for_stands_before_it_and_does_not_change_the_rest() -> None:
    assert mint("a", "x").partition("-")[2] == mint("b", "x").partition("-")[2]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("gate", "no-lingering"), "ofc-6bd62ede55d47a16"),
        (("gate", 7), "ofc-9842e3337f5df48b"),
        ((datetime(2026, 3, 2, 8, tzinfo=UTC),), "ofc-2633c55b7932b1aa"),
    ],
)
def test_ids_are_those_of_the_logs_that_are_out_there(
    values: tuple[object, ...], expected: str
) -> None:
    assert mint("ofc", *values) == expected


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_counts_to_the_microsecond(moment: datetime) -> None:
    made = mint("evt", moment)
    assert made == mint("evt", moment.isoformat(timespec="microseconds"))
    later = moment.replace(microsecond=(moment.microsecond + 1) % 1_000_000)
    assert made != mint("evt", later)


def test_one_moment_in_two_zones_is_two_texts() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    shanghai = noon.astimezone(timezone(timedelta(hours=8)))
    assert noon == shanghai
    assert mint("evt", noon) != mint("evt", shanghai), "so callers mint from UTC"
