"""Classes that nobody can ask for are left out of the graph, and nothing else changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as op

from domain.coco_classes import COCO_IDS
from domain.errors import Stop
from models.person_detector.build import KEPT
from models.person_detector.golden import read_golden
from models.person_detector.kept_classes import ALL_CLASSES, keep_classes
from models.registry import read_registry
from models.sources import fetch

pytestmark = pytest.mark.slow(file_takes_s=55)


def predictor(bias: np.ndarray, weights: np.ndarray) -> ov.Model:
    """Two anchors at each of 3 x 3 places, like one of the detector's class predictors."""
    features = op.parameter([-1, 4, 3, 3], ov.Type.f32)
    looked = op.convolution(features, op.constant(weights), [1, 1], [0, 0], [0, 0], [1, 1])
    shifted = op.add(looked, op.constant(bias))
    last = op.transpose(shifted, op.constant(np.array([0, 2, 3, 1], np.int64)))
    rows = op.reshape(last, op.constant(np.array([-1, 18, ALL_CLASSES], np.int64)), False)
    return ov.Model([op.result(op.sigmoid(rows))], [features])


def ask(model: ov.Model, features: np.ndarray) -> Any:
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return compiled([features])[0]


@pytest.mark.parametrize("kept", [(1,), (90, 3, 17), KEPT], ids=["one", "in any order", "all"])
def test_the_scores_that_stay_are_what_they_were(kept: tuple[int, ...]) -> None:
    random = np.random.default_rng(7)
    weights = random.normal(0, 1, (2 * ALL_CLASSES, 4, 1, 1)).astype(np.float32)
    bias = random.normal(0, 1, (1, 2 * ALL_CLASSES, 1, 1)).astype(np.float32)
    features = random.normal(0, 1, (2, 4, 3, 3)).astype(np.float32)
    before = ask(predictor(bias, weights), features)
    smaller = predictor(bias, weights)
    keep_classes(smaller, kept)
    after = ask(smaller, features)
    assert after.shape == (2, 18, len(kept))
    np.testing.assert_allclose(after, before[..., kept], atol=1e-6)


def test_a_graph_without_class_predictors_is_refused() -> None:
    given = op.parameter([1, 4], ov.Type.f32)
    with pytest.raises(Stop, match="no class predictors"):
        keep_classes(ov.Model([op.result(op.sigmoid(given))], [given]), (1,))


def test_a_predictor_that_is_built_otherwise_is_refused() -> None:
    given = op.parameter([2, 18 * ALL_CLASSES], ov.Type.f32)
    rows = op.reshape(given, op.constant(np.array([-1, 18, ALL_CLASSES], np.int64)), False)
    with pytest.raises(Stop, match="Transpose expected"):
        keep_classes(ov.Model([op.result(rows)], [given]), (1,))


def test_the_detector_scores_what_rules_can_name_as_the_original_does() -> None:
    source = fetch(read_registry().model("detector"))
    pictures = np.stack([picture.image_rgb for picture in read_golden()])[:1]
    original = ov.Core().read_model(source)
    smaller = original.clone()
    keep_classes(smaller, KEPT)
    assert sorted(COCO_IDS.values()) == list(KEPT)
    before, after = _all_scores(original, pictures), _all_scores(smaller, pictures)
    assert after.shape[2] == len(KEPT) and before[..., KEPT].max() > 0.5
    np.testing.assert_allclose(after, before[..., KEPT], atol=1e-5)


def _all_scores(model: ov.Model, pictures: np.ndarray) -> Any:
    scores = next(
        node
        for node in model.get_ops()
        if node.get_friendly_name() == "Postprocessor/convert_scores"
    )
    only_scores = ov.Model([op.result(scores)], model.get_parameters())
    only_scores.reshape(list(pictures.shape))
    return ask(only_scores, pictures)
