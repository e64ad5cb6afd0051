from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.site.conditions import Condition
from flows.masks.background import LEAST_PICTURES, Background
from flows.masks.people import Pedestrians, find_subject_again, is_subjects_own
from flows.masks.picture import choose_hidden, mask_picture
from flows.masks.subject import MaskSubject, subject_kind

SUBJECT = (100.0, 100.0, 160.0, 260.0)
COORDINATE = st.floats(0, 300)


Box = tuple[float, float, float, float]
NO_FACES = np.empty((0, 4))
UNKNOWN = Background([])


def people(*boxes: Box, cut: bool = False, score: float = 0.8) -> Pedestrians:
    count = len(boxes)
    found = np.array(boxes, np.float64).reshape(-1, 4)
    return Pedestrians(found, np.full(count, cut), np.full(count, score))


def noise(seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (288, 384, 3), dtype=np.uint8)


def is_shown(image: np.ndarray, masked: np.ndarray, box: Box) -> bool:
    x0, y0, x1, y1 = (int(side) for side in box)
    return bool(np.array_equal(image[y0:y1, x0:x1], masked[y0:y1, x0:x1]))


def is_hidden(image: np.ndarray, masked: np.ndarray, box: Box) -> bool:
    """Tell whether hardly a pixel of that part is left as it was."""
    x0, y0, x1, y1 = (max(0, int(side)) for side in box)
    same = (image[y0:y1, x0:x1] == masked[y0:y1, x0:x1]).all(axis=2)
    return bool(same.size and same.mean() < 0.01)


def own(*boxes: tuple[float, float, float, float], cut: bool = False) -> list[bool]:
    return is_subjects_own(people(*boxes, cut=cut), SUBJECT).tolist()


def test_the_subjects_own_boxes_are_told_from_those_of_others() -> None:
    assert own(SUBJECT, (98, 104, 163, 255)) == [True, True]
    assert own((102, 100, 158, 190)) == [True], "the upper half, found by itself"
    child = (120.0, 190.0, 140.0, 240.0)
    assert own(child) == [False], "a child in front"
    assert is_subjects_own(people(child, score=0.2), SUBJECT).tolist() == [True], "a coat"
    assert own((140, 180, 200, 262), cut=True) == [False], "a third of somebody beside"
    assert own((130, 180, 185, 262), cut=True) == [True], "a leg, drawn too wide"
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
    hidden = choose_hidden(seen, NO_FACES, MaskSubject(SUBJECT))
    behind = len(hidden.behind_xyxy)
    assert behind + len(hidden.others_xyxy) == sum(not each for each in own(*boxes))
    everybody = choose_hidden(seen, np.empty((0, 4)), None)
    assert np.array_equal(everybody.others_xyxy, seen.boxes_xyxy)


def test_who_is_missed_in_one_picture_is_hidden_where_a_neighbouring_one_shows_them() -> None:
    other = (300.0, 100.0, 350.0, 240.0)
    nearby = [people((118, 100, 178, 260), other)]
    hidden = choose_hidden(people(SUBJECT), NO_FACES, MaskSubject(SUBJECT), nearby)
    assert hidden.others_xyxy.tolist() == [list(other)]


def test_what_moves_is_hidden_without_anybody_having_been_found_but_not_the_subject() -> None:
    rng = np.random.default_rng(3)
    still = rng.integers(60, 200, (288, 384, 3), dtype=np.uint8)
    background = Background([still] * LEAST_PICTURES)
    busy = still.copy()
    busy[120:180, 250:270] = 255  # a walker whom no detector found
    busy[110:250, 110:150] = 0  # the subject
    hidden = choose_hidden(people(), NO_FACES, MaskSubject(SUBJECT))
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


def masked_of(image: np.ndarray, subject: MaskSubject | None, found: Pedestrians) -> np.ndarray:
    return mask_picture(image, choose_hidden(found, NO_FACES, subject), UNKNOWN)


BAG = (200.0, 200.0, 240.0, 230.0)


def test_a_bag_left_behind_is_seen_whole_whoever_stands_there() -> None:
    """Before: its upper fifth was taken for a head, and it went with whoever stood over it."""
    image, owner = noise(), (190.0, 60.0, 260.0, 240.0)
    masked = masked_of(image, MaskSubject(BAG, "thing"), people(owner))
    assert is_shown(image, masked, BAG)
    assert is_hidden(image, masked, (190, 60, 260, 198))


def test_what_the_detector_takes_a_bag_for_does_not_hide_it() -> None:
    image = noise()
    for found in (people(BAG, score=0.3), people((195, 195, 245, 235), score=0.3)):
        assert is_shown(image, masked_of(image, MaskSubject(BAG, "thing"), found), BAG)


def test_who_stands_before_a_car_is_hidden_and_the_car_is_not() -> None:
    image, car, driver = noise(), (40.0, 80.0, 340.0, 240.0), (100.0, 120.0, 140.0, 230.0)
    masked = masked_of(image, MaskSubject(car, "thing"), people(driver))
    assert is_hidden(image, masked, driver)
    assert is_shown(image, masked, (160, 85, 335, 235))


def test_nobody_is_the_subject_of_what_is_said_of_a_place() -> None:
    image, zone, waiting = noise(), (20.0, 20.0, 360.0, 270.0), (100.0, 120.0, 140.0, 230.0)
    masked = masked_of(image, MaskSubject(zone, "place"), people(waiting))
    assert is_hidden(image, masked, waiting)
    assert is_shown(image, masked, (200, 20, 360, 100)), "a place has no head"


WHOLE = (70.0, 60.0, 200.0, 285.0)
LEGS = (70.0, 150.0, 190.0, 285.0)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (people(WHOLE), "the sighting's view cut it off: only one box, and it is the subject"),
        (people(SUBJECT, WHOLE, score=0.3), "a box around a group"),
        (people((110, 98, 150, 150)), "head and shoulders, found by themselves"),
    ],
)
def test_the_subject_stays_where_nobody_else_is(found: Pedestrians, why: str) -> None:
    """Before: every box that did not fit the subject's well was somebody else's, and hid it."""
    image = noise()
    masked = masked_of(image, MaskSubject(SUBJECT), found)
    assert is_shown(image, masked, (102, 150, 158, 258)), why
    assert is_hidden(image, masked, (112, 102, 148, 130)), "the face is covered"


def test_who_is_seen_well_around_the_subject_stands_before_it() -> None:
    image = noise()
    masked = masked_of(image, MaskSubject(SUBJECT), people(SUBJECT, WHOLE))
    assert is_hidden(image, masked, (102, 150, 158, 258))


@pytest.mark.parametrize(
    ("box", "face"),
    [
        ((6.0, 60.0, 54.0, 280.0), (0, 60, 25, 95)),  # half of them is out of the picture
        ((330.0, 60.0, 378.0, 280.0), (360, 60, 384, 95)),
        ((120.0, 5.0, 200.0, 280.0), (135, 0, 185, 50)),
        ((120.0, 200.0, 200.0, 288.0), (135, 200, 185, 235)),  # only head and shoulders are seen
    ],
)
def test_the_subjects_face_at_the_pictures_edge_is_covered_wholly(box: Box, face: Box) -> None:
    """Before: the mask lay on the middle of the box, an ear and a cheek beside it."""
    image = noise()
    masked = masked_of(image, MaskSubject(box), people(box))
    assert is_hidden(image, masked, face)
    x0, y0, x1, y1 = box
    legs = (x0 + 5, y0 + 0.75 * (y1 - y0), x1 - 5, y1 - 3)
    assert is_shown(image, masked, legs)


def test_a_face_that_the_edge_cuts_is_covered_up_to_it() -> None:
    image, face = noise(), np.array([[3.0, 100, 33, 140]])
    hidden = choose_hidden(people(), face, None)
    assert is_hidden(image, mask_picture(image, hidden, UNKNOWN), (0, 100, 33, 140))


def test_a_record_is_about_a_person_wherever_it_may_be_one() -> None:
    bag = {"stationary": {"zones": ["lawn"], "classes": ["backpack"]}}
    either = {"present": {"zones": ["lawn"], "classes": ["car", "person"]}}
    desk = {"absent": {"zones": ["desk"]}}
    for values, kind in (
        (bag, "thing"),
        (either, "person"),
        (desk, "place"),
        ({"at_least": {"zones": ["lawn"], "count": 3}}, "place"),
        ({"all": [bag, desk]}, "thing"),
        ({"any": [bag, {"line_crossed": {"lines": ["kerb"]}}]}, "person"),
    ):
        assert subject_kind(Condition.model_validate(values)) == kind, values
    assert subject_kind(None) == "person"
