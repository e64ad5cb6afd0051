"""The built models answer as the originals did, with and without a server."""

from __future__ import annotations

import numpy as np
import pytest
from raw_throughput import raw_throughput

from domain.errors import PutAside
from models.appearance import describe
from models.direct import DirectInference, compile_as_served
from models.embedder.golden import golden_crop
from models.face_detector.golden import read_golden as read_face
from models.person_detector.golden import read_golden as read_persons
from models.registry import TRITON_REPO, read_registry
from models.serving.check import check_answers, find_faults
from models.serving.client import Detector, Embedder, FaceDetector
from models.serving.connection import Connection

pytestmark = pytest.mark.triton


@pytest.mark.parametrize("name", read_registry().required)
def test_the_built_model_agrees_with_the_original(name: str) -> None:
    assert find_faults(DirectInference(), (name,)) == []


def test_the_server_agrees_with_the_originals(connection: Connection) -> None:
    assert check_answers(connection) == {}


def test_the_known_pictures_hold_persons_that_any_precision_must_find() -> None:
    clear = [int((picture.scores >= 0.5).sum()) for picture in read_persons()]
    assert min(clear) >= 4


class _Blind:
    """A server under NumPy 2: every answer is zeros."""

    def infer(self, model, given, batches, wanted):
        return [{t.name: np.zeros((len(rows), *t.shape[1:])) for t in wanted} for rows in batches]


def test_a_server_that_sees_nothing_is_found_out() -> None:
    assert any("no person" in fault for fault in find_faults(_Blind(), ("detector",)))
    assert any("one face" in fault for fault in find_faults(_Blind(), ("face_detector",)))
    assert any("zeros" in fault for fault in find_faults(_Blind(), ("embedder",)))


def test_served_and_direct_answers_are_equal(connection, street_pictures, frame_of) -> None:
    frames = [frame_of(picture) for picture in street_pictures[:3]]
    served = Detector(connection).detect(frames)
    direct = Detector(DirectInference()).detect(frames)
    for one, other in zip(served, direct, strict=True):
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-3)


def test_vectors_have_unit_length_and_equal_crops_equal_vectors(connection) -> None:
    crop = golden_crop()
    vectors = Embedder(connection).embed([crop, crop[::-1], crop, crop[:1, :1]] * 3)
    assert vectors.shape == (12, 1280) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(vectors[0], vectors[2])
    assert vectors[0] @ vectors[1] < 0.95


def test_no_crops_give_no_vectors(connection) -> None:
    assert Embedder(connection).embed([]).shape == (0, 1280)


@pytest.mark.parametrize("shape", [(0, 5, 3), (5, 0, 3), (5, 5), (5, 5, 4)])
def test_a_crop_without_pixels_is_put_aside(connection, shape) -> None:
    with pytest.raises(PutAside):
        Embedder(connection).embed([np.zeros(shape, np.uint8)])
    with pytest.raises(PutAside):
        FaceDetector(connection).find(np.zeros(shape, np.uint8))
    with pytest.raises(PutAside):
        describe(np.zeros(shape, np.uint8))


def test_a_face_is_found_where_it_is_in_a_picture_of_another_size(connection) -> None:
    golden = read_face()
    small = np.ascontiguousarray(golden.image_rgb[100:532, 150:726])  # 432 x 576
    boxes, scores = FaceDetector(connection).find(small)
    assert boxes.shape == (1, 4) and scores.shape == (1,)
    np.testing.assert_allclose(boxes[0] + [150, 100, 150, 100], golden.box_xyxy, atol=6)


def test_faces_come_best_first_and_an_empty_picture_has_none(connection) -> None:
    golden = read_face()
    two = golden.image_rgb.copy()
    two[0:160, 0:137] = golden.image_rgb[200:360, 300:437]
    many = FaceDetector(connection).find_in_all([two, np.zeros_like(two), golden.image_rgb])
    assert [len(scores) for _, scores in many] == [2, 0, 1]
    assert (np.diff(many[0][1]) <= 0).all()
    assert many[1][0].shape == (0, 4)


def test_raw_throughput_counts_what_it_answered(street_pictures) -> None:
    entry = read_registry().model("detector")
    compiled = compile_as_served(TRITON_REPO / entry.triton_folder, entry.inputs[0])
    took = raw_throughput(compiled, street_pictures, 4)
    assert took.pictures == 4 and took.wall_ms > 0 and took.cpu_ms > 0
