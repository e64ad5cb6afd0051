"""Promises that every detector keeps: the real one behind Triton, and the one that tests use."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from fake_detector import FakeDetector, paint_person

from domain.errors import Stop
from domain.frames import SampledFrame
from models.person_detector.postprocess import PERSON
from models.serving.client import Detector

pytestmark = pytest.mark.triton


@pytest.fixture(params=["triton", "fake"])
def make_detector(request: pytest.FixtureRequest) -> Callable[..., Detector | FakeDetector]:
    """Make a detector; asks for a server only where one is needed."""
    if request.param == "fake":
        return FakeDetector
    connection = request.getfixturevalue("connection")
    return lambda **settings: Detector(connection, **settings)


@pytest.fixture
def frames(
    street_pictures: list[np.ndarray], frame_of: Callable[..., SampledFrame]
) -> list[SampledFrame]:
    """15 frames that hold persons for either detector, the last camera's being another's."""
    made = []
    for number, picture in enumerate(street_pictures):
        painted = picture.copy()
        paint_person(painted, (280, 100 + number, 292, 140 + number))
        made.append(frame_of(painted, camera_id=f"camera-{number % 4}", pts=number))
    return made


def test_each_frame_gets_one_answer_with_its_own_stamp(make_detector, frames):
    answers = make_detector().detect(frames)
    assert [answer.frame for answer in answers] == [frame.stamp for frame in frames]


def test_persons_are_found_in_every_frame(make_detector, frames):
    for answer in make_detector().detect(frames):
        assert (answer.class_ids == PERSON).any()


def test_boxes_are_pixels_of_the_decoded_frame(make_detector, frames):
    for answer in make_detector().detect(frames):
        left, top, right, bottom = answer.boxes_xyxy.T
        assert (left >= 0).all() and (right <= 768).all() and (left <= right).all()
        assert (top >= 0).all() and (bottom <= 576).all() and (top <= bottom).all()
        assert right.max() > 300  # not those of the squeezed picture


def test_types_are_those_of_the_domain(make_detector, frames):
    for answer in make_detector().detect(frames[:2]):
        assert answer.boxes_xyxy.dtype == np.float32
        assert answer.scores.dtype == np.float32
        assert answer.class_ids.dtype == np.int64


def test_scores_fall_and_none_is_below_the_floor(make_detector, frames):
    for answer in make_detector(min_score=0.4).detect(frames):
        assert len(answer) > 0
        assert (answer.scores >= 0.4).all() and (answer.scores <= 1).all()
        assert (np.diff(answer.scores) <= 0).all()


def test_an_answer_does_not_depend_on_the_batch(make_detector, frames):
    detector = make_detector()
    together = detector.detect(frames)
    alone = [detector.detect([frame])[0] for frame in frames]
    for one, other in zip(together, alone, strict=True):
        assert np.array_equal(one.boxes_xyxy, other.boxes_xyxy)
        assert np.array_equal(one.scores, other.scores)
        assert np.array_equal(one.class_ids, other.class_ids)


def test_no_frames_give_no_answers(make_detector):
    assert make_detector().detect([]) == []


def test_a_black_frame_gives_an_answer_without_persons(make_detector, frame_of):
    (answer,) = make_detector(min_score=0.3).detect([frame_of(np.zeros((300, 300, 3), np.uint8))])
    assert not (answer.class_ids == PERSON).any()


@pytest.mark.parametrize("shape", [(300, 300), (1, 300, 300, 3), (240, 320, 3), (0, 300, 3)])
def test_a_frame_of_another_shape_stops_and_names_its_camera(make_detector, frame_of, shape):
    with pytest.raises(Stop, match="gate"):
        make_detector().detect([frame_of(np.zeros(shape, np.uint8))])


def test_a_frame_of_another_type_stops(make_detector, frame_of):
    with pytest.raises(Stop, match="float32"):
        make_detector().detect([frame_of(np.zeros((300, 300, 3), np.float32))])
