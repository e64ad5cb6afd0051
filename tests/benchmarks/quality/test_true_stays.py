"""Stays of marked people: by boxes alone, to the frame."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quality.crowd import HEIGHT_PX, WIDTH_PX, made_stamp
from benchmarks.quality.footage import STARTS_AT, Truth
from benchmarks.quality.true_stays import Path, paths_of, true_stays

BEGAN_S = STARTS_AT.timestamp()
INSIDE, OUTSIDE = True, False


def path_of(*marks: tuple[float, bool], edge_at_s: float | None = None) -> Path:
    at_s = np.array([each for each, _ in marks])
    inside = np.array([each for _, each in marks])
    return Path(at_s, inside, inside, at_s == edge_at_s)


def every_second(from_s: int, to_s: int, inside: bool) -> list[tuple[float, bool]]:
    return [(float(at_s), inside) for at_s in range(from_s, to_s + 1)]


def spans(path: Path, threshold_s: float = 0.0) -> list[tuple[float, float, bool]]:
    stays = true_stays({7: path}, threshold_s, end_s=100.0)
    return [(each.first_s, each.last_s, each.is_seen_leaving) for each in stays]


def test_a_stay_lasts_from_the_first_to_the_last_mark_inside() -> None:
    path = path_of(*every_second(0, 2, OUTSIDE), *every_second(3, 9, INSIDE), (10.0, OUTSIDE))
    assert spans(path) == [(3.0, 9.0, True)]


@pytest.mark.parametrize(("threshold_s", "stays"), [(6.0, 1), (6.1, 0)])
def test_a_stay_counts_from_the_threshold_on(threshold_s: float, stays: int) -> None:
    path = path_of(*every_second(3, 9, INSIDE))
    assert len(spans(path, threshold_s)) == stays


@pytest.mark.parametrize(("away_s", "stays"), [(2.0, 1), (2.1, 2)])
def test_who_is_not_marked_for_longer_than_the_tolerance_begins_anew(
    away_s: float, stays: int
) -> None:
    assert len(spans(path_of((0.0, INSIDE), (away_s, INSIDE)))) == stays


@pytest.mark.parametrize(("back_s", "stays"), [(2.9, 1), (3.1, 2)])
def test_who_is_outside_for_two_seconds_has_left(back_s: float, stays: int) -> None:
    marks = [(0.0, INSIDE), (1.0, OUTSIDE), (min(3.0, back_s - 0.05), OUTSIDE), (back_s, INSIDE)]
    assert len(spans(path_of(*marks))) == stays


def test_who_vanishes_in_the_middle_of_the_picture_was_not_seen_leaving() -> None:
    assert spans(path_of(*every_second(0, 5, INSIDE))) == [(0.0, 5.0, False)]


def test_who_vanishes_at_the_edge_of_the_picture_was() -> None:
    path = path_of(*every_second(0, 5, INSIDE), edge_at_s=5.0)
    assert spans(path) == [(0.0, 5.0, True)]


def test_nobody_can_tell_of_a_leaving_at_the_end_of_the_clip() -> None:
    path = path_of(*every_second(90, 97, INSIDE), (98.0, OUTSIDE))
    assert spans(path) == [(90.0, 97.0, True)]
    later = path_of(*every_second(90, 98, INSIDE), (99.0, OUTSIDE))
    assert spans(later) == [(90.0, 98.0, False)]


def test_feet_decide_who_is_inside_and_borders_are_left_in_doubt() -> None:
    feet_x = np.array([0.1, 0.205, 0.5]) * WIDTH_PX
    foot_y = 0.5 * HEIGHT_PX
    boxes = np.stack(
        [feet_x - 10, np.full(3, foot_y - 80), feet_x + 10, np.full(3, foot_y)], axis=1
    )
    truth = Truth(np.array([0, 1, 2]), np.array([4, 4, 4]), boxes)
    zone = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
    (path,) = paths_of(truth, {n: made_stamp(n, n) for n in range(3)}, [zone]).values()
    assert path.at_s.tolist() == [BEGAN_S, BEGAN_S + 1, BEGAN_S + 2]
    assert path.inside.tolist() == [False, True, True]
    assert path.well_inside.tolist() == [False, False, True]
    assert path.at_edge.tolist() == [False, False, False]


def test_only_who_is_marked_inside_to_the_end_stayed() -> None:
    path = path_of(*every_second(0, 9, INSIDE), *every_second(10, 12, OUTSIDE))
    assert path.stayed_in(5.0, 9.0)
    assert not path.stayed_in(8.0, 11.0)
    assert not path.stayed_in(12.0, 14.0)
    came_back = path_of((0.0, INSIDE), *every_second(1, 8, OUTSIDE), (9.0, INSIDE))
    assert not came_back.stayed_in(0.0, 9.0)
