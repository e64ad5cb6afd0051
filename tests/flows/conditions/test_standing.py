"""The numbers by which something stands: each on both of its sides, by plain boxes."""

from __future__ import annotations

import pytest

from flows.conditions.condition import Box, Memory
from flows.conditions.standing import Standing, _is_part, _is_same, _lately, forget
from flows.conditions.verdict import Verdict

CAR: Box = (100.0, 100.0, 200.0, 160.0)
THERE: Box = (300.0, 100.0, 400.0, 160.0)
SHIFT = 0.2  # of the longer side: 20 pixels


def first_with(verdict: Verdict, boxes: list[tuple[float, Box]], known: Standing) -> float | None:
    """Return the moment of the first frame with that verdict."""
    for at_s, box in boxes:
        known, told = known.step(box, at_s, SHIFT)
        if told is verdict:
            return at_s
    return None


def test_it_stands_after_two_seconds_and_has_moved_after_one_elsewhere() -> None:
    still = [(n / 10, CAR) for n in range(50)]
    assert first_with(Verdict.HOLDS, still, Standing()) == 2.0
    stands = Standing(recent=tuple(still[-11:]), anchor=CAR)
    gone = [(5 + n / 10, THERE) for n in range(40)]
    # half a second until the median of the last one is there, then a whole one
    assert first_with(Verdict.DOES_NOT_HOLD, gone, stands) == pytest.approx(6.5, abs=0.11)
    assert first_with(Verdict.HOLDS, gone, stands) == pytest.approx(7.5, abs=0.11)


def test_a_median_is_of_the_last_second_or_of_three_boxes_not_older_than_four() -> None:
    def kept(*ages_s: float) -> int:
        before = tuple((10 - age_s, CAR) for age_s in ages_s)
        return len(_lately(before, CAR, 10.0))

    assert kept(1.0, 0.8, 0.6, 0.4) == 5
    assert kept(1.1, 0.8, 0.6, 0.4) == 4
    assert kept(3.9, 2.0) == 3
    assert kept(4.1, 2.0) == 2
    assert kept(3.9, 3.0, 2.0) == 3


@pytest.mark.parametrize(
    ("box", "is_same"),
    [
        ((119.0, 100.0, 219.0, 160.0), True),
        ((121.0, 100.0, 221.0, 160.0), False),  # its middle is 21 pixels off
        ((100.0, 100.0, 171.0, 160.0), True),  # as large as .71 of it
        ((100.0, 100.0, 169.0, 160.0), False),
    ],
)
def test_in_place_is_a_box_of_that_size_there(box: Box, is_same: bool) -> None:
    assert _is_same(CAR, box, SHIFT) == is_same
    assert _is_same((0.0, 0.0, 90.0, 100.0), (5.0, 20.0, 95.0, 120.0), 0.21)
    assert not _is_same((0.0, 0.0, 90.0, 100.0), (5.0, 20.0, 95.0, 120.0), 0.2)


@pytest.mark.parametrize(("x1", "is_part"), [(94.1, True), (93.9, False)])
def test_a_part_lies_in_the_whole_by_85_hundredths(x1: float, is_part: bool) -> None:
    """Of 40 pixels 34 and a little."""
    half: Box = (x1, 100.0, x1 + 40, 160.0)
    assert _is_part(CAR, half) == _is_part(half, CAR) == is_part


def test_a_part_of_what_stood_there_ends_the_time_elsewhere() -> None:
    half: Box = (100.0, 100.0, 135.0, 160.0)
    away = Standing(recent=((9.8, half), (9.9, half)), anchor=CAR, away_since=9.2)
    now, told = away.step(half, 10.0, SHIFT)
    assert (told, now.away_since, now.anchor) == (Verdict.NOT_KNOWN, None, CAR)


@pytest.mark.parametrize(("unseen_s", "is_known"), [(29.9, True), (30.1, False)])
def test_what_is_unseen_for_half_a_minute_is_forgotten(unseen_s: float, is_known: bool) -> None:
    memory: Memory = {"1": Standing(recent=((10.0, CAR),)).plain()}
    forget(memory, 10 + unseen_s)
    assert bool(memory) == is_known
