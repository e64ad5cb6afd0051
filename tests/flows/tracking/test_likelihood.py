"""What a likeness is worth, by numbers that can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from flows.tracking.colours import _ENOUGH_LIGHT, SIZE, lightness
from flows.tracking.likelihood import (
    COLOURS,
    MODEL,
    UsualLikeness,
    likelihood_ratio,
    stretched,
)
from flows.tracking.settings import SubjectSettings
from flows.tracking.subject import Subject

HERE = UsualLikeness()


def ratio(stretched_similarity: float, **more: float) -> float:
    return likelihood_ratio(math.tanh(stretched_similarity), MODEL, HERE, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("at", [0.95, 0.3])
@pytest.mark.parametrize(
    ("as_alike", "asked", "alike", "doubles"),
    [(0, 0, 0, 0.05), (0, 20, 0, 0.025), (10, 20, 0.25, 0.025)],
)
def test_a_ratio_is_that_of_normal_distributions_of_one_and_of_strangers_and_doubles(
    at: float, as_alike: int, asked: int, alike: float, doubles: float
) -> None:
    """Of those who were asked, and twenty more, some look about as much like it; who differs makes doubles rarer."""

    def density(mean: float, sd: float) -> float:
        return math.exp(-(((at - mean) / sd) ** 2) / 2) / sd

    one, double, stranger = density(0.95, 0.28), density(0.45, 0.15), density(0.3, 0.15)
    other = alike * one + doubles * double + (1 - alike - doubles) * stranger
    assert ratio(at, as_alike=as_alike, asked=asked) == pytest.approx(one / other, rel=1e-6)


def test_looks_that_say_nothing_are_worth_nothing() -> None:
    assert ratio(0.95, says=0.0) == pytest.approx(1.0)
    assert 1.0 < ratio(0.95, says=0.5) < ratio(0.95)


def test_the_more_others_look_like_it_the_less_it_is_worth() -> None:
    alone, two, all_of_them = (ratio(0.95, as_alike=n, asked=20) for n in (0, 2, 20))
    assert alone > two > all_of_them
    # of twenty, and twenty more who were not seen, half look so: two at the most
    assert all_of_them == pytest.approx(2.0, abs=0.01)


def test_no_likeness_is_worth_more_than_two_deviations_beyond_ones_own() -> None:
    at_2, at_3, before = (
        likelihood_ratio(math.tanh(1.45 + times * 0.35), COLOURS, HERE) for times in (2, 3, 1.9)
    )
    assert at_2 == pytest.approx(at_3)
    assert at_2 > 1.01 * before


def test_what_no_stranger_would_ever_show_is_worth_a_number_all_the_same() -> None:
    assert ratio(0.95 + 2 * 0.28) == pytest.approx(math.exp(-2) / 0.28 / 1e-9)


def test_similarities_are_stretched_up_to_where_noise_decides() -> None:
    assert stretched(0.5) == pytest.approx(math.atanh(0.5))
    assert stretched(1.0) == stretched(0.995) == -stretched(-1.0)
    assert stretched(0.994) < stretched(0.995)


def test_what_a_camera_shows_counts_beside_twenty_pairs_of_others() -> None:
    usual = UsualLikeness()
    assert usual.among(MODEL) == 0.3
    for _ in range(20):
        usual.note(math.tanh(0.9))
    assert usual.among(MODEL) == pytest.approx((0.3 + 0.9) / 2)
    assert usual.typical(MODEL) == pytest.approx(math.tanh(0.6))


def test_five_hundred_pairs_are_the_most_that_older_ones_count_for() -> None:
    usual = UsualLikeness(pairs=500, mean=0.0)
    usual.note(math.tanh(0.5))
    assert (usual.pairs, usual.mean) == (500, pytest.approx(0.5 / 500))


def test_dark_clothes_say_less_than_in_proportion() -> None:
    subject = Subject.begin(0.0, np.array([0, 0, 40, 100]), 0.8, 1, SubjectSettings())
    assert COLOURS.says([subject]).tolist() == [0]
    subject.looks = np.zeros(SIZE, np.float16)
    subject.looks[:2] = np.sqrt([1 - _ENOUGH_LIGHT / 2, _ENOUGH_LIGHT / 2])  # darkest, less dark
    assert lightness(subject.looks[None])[0] == pytest.approx(0.5, rel=0.01)
    assert COLOURS.says([subject])[0] == pytest.approx(0.25, rel=0.02)
