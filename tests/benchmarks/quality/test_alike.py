"""The marks that retrieval gets."""

from __future__ import annotations

import numpy as np

from benchmarks.quality.alike import rank

PEOPLE = np.array([1, 1, 2, 2])


def test_who_is_most_like_themselves_gets_full_marks() -> None:
    marks = rank(PEOPLE, (PEOPLE[:, None] == PEOPLE[None]).astype(float))
    assert (marks.auc, marks.rank_1, marks.queries) == (1.0, 1.0, 4)


def test_a_search_that_knows_nothing_is_right_half_the_time() -> None:
    assert rank(PEOPLE, np.zeros((4, 4))).auc == 0.5


def test_a_picture_is_no_match_for_itself() -> None:
    others = 1.0 - (PEOPLE[:, None] == PEOPLE[None])
    marks = rank(PEOPLE, others + 2 * np.eye(4))
    assert (marks.auc, marks.rank_1) == (0.0, 0.0)


def test_people_who_are_pictured_once_are_only_there_to_be_mistaken() -> None:
    assert rank(np.array([1, 1, 2]), np.eye(3)).queries == 2
