from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flows.masks.background import LEAST_PICTURES, Background
from flows.masks.people import People, find_subject_again, is_subjects_own
from flows.masks.picture import choose_hidden, mask_picture

SUBJECT = (100.0, 100.0, 160.0, 260.0)
COORDINATE = st.floats(0, 300)


def people(*boxes: tuple[float, float, float, float], cut: bool = False) -> People:
    return People(np.array(boxes, np.float64).reshape(-1, 4), np.full(len(boxes), cut))


def own(*boxes: tuple[float, float, float, float], cut: bool = False) -> list[bool]:
    return is_subjects_own(people(*boxes, cut=cut), SUBJECT).tolist()


def test_the_subjects_own_boxes_are_told_from_those_of_others() -> None:
    assert own(SUBJECT, (98, 104, 163, 255)) == [True, True]
    assert own((102, 100, 158, 190)) == [True], "the upper half, found by itself"
    assert own((120, 190, 140, 240)) == [False], "a child in front"
    assert own((120, 200, 150, 250), cut=True) == [True], "legs that a part's border cut off"
    assert own((150, 100, 210, 260), (400, 100, 460, 260)) == [False, False]


def test_the_subject_is_known_again_a_moment_later_unless_it_is_somebody_else() -> None:
    moved = (130.0, 100.0, 190.0, 260.0)
    assert find_subject_again(people(moved, (400, 90, 450, 250)), people(), SUBJECT) == moved
    passer_by = people((135, 100, 195, 260))
    assert find_subject_again(people(moved), passer_by, SUBJECT) is None
    assert find_subject_again(people((400, 90, 450, 250)), people(), SUBJECT) is None
    assert find_subject_again(people(), people(), SUBJECT) is None


@given(
    st.lists(st.tuples(COORDINATE, COORDINATE, st.floats(5, 80), st.floats(10, 120)), max_size=4)
)
def test_whoever_is_not_the_subject_is_hidden_whole(
    found: list[tuple[float, float, float, float]],
) -> None:
    boxes = tuple((x, y, x + wide, y + high) for x, y, wide, high in found)
    seen = people(*boxes)
    hidden = choose_hidden(seen, np.empty((0, 4)), SUBJECT)
    assert len(hidden.others_xyxy) == sum(not each for each in own(*boxes))
    everybody = choose_hidden(seen, np.empty((0, 4)), None)
    assert np.array_equal(everybody.others_xyxy, seen.boxes_xyxy)


def test_who_is_missed_in_one_picture_is_hidden_where_a_neighbouring_one_shows_them() -> None:
    other = (300.0, 100.0, 350.0, 240.0)
    nearby = [people((118, 100, 178, 260), other)]
    hidden = choose_hidden(people(SUBJECT), np.empty((0, 4)), SUBJECT, nearby)
    assert hidden.others_xyxy.tolist() == [list(other)]


def test_what_moves_is_hidden_without_anybody_having_been_found_but_not_the_subject() -> None:
    rng = np.random.default_rng(3)
    still = rng.integers(60, 200, (288, 384, 3), dtype=np.uint8)
    background = Background([still] * LEAST_PICTURES)
    busy = still.copy()
    busy[120:180, 250:270] = 255  # a walker whom no detector found
    busy[110:250, 110:150] = 0  # the subject
    hidden = choose_hidden(people(), np.empty((0, 4)), SUBJECT)
    masked = mask_picture(busy, hidden, background)
    walker = masked[120:180, 250:270].reshape(-1, 3)
    assert len(np.unique(walker, axis=0)) <= 30 and walker.max() < 255
    assert (masked[200:250, 110:150] == 0).all(), "the subject's body"
    assert np.array_equal(masked[:80, :80], busy[:80, :80]), "the scene"


def test_too_few_pictures_say_nothing_about_what_moves() -> None:
    still = np.full((40, 60, 3), 90, np.uint8)
    background = Background([still] * (LEAST_PICTURES - 1))
    assert not background.is_known
    assert not background.differing(255 - still).any()
