"""Suppression written as tensor operations equals the greedy one, at every batch size."""

from __future__ import annotations

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as op

from models.person_detector.suppression import CANDIDATES, MAX_IOU, MIN_SCORE, suppress

ANCHORS = 400
CATEGORY_IDS = (1, 3, 8, 17, 44)


def build(batch: int) -> ov.CompiledModel:
    boxes = op.parameter([batch, ANCHORS, 4], ov.Type.f32)
    scores = op.parameter([batch, ANCHORS, len(CATEGORY_IDS)], ov.Type.f32)
    nodes = suppress(boxes.output(0), scores.output(0), CATEGORY_IDS)
    results = [op.result(n if isinstance(n, ov.Output) else n.output(0)) for n in nodes]
    model = ov.Model(results, [boxes, scores])
    return ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


@pytest.fixture(scope="module", params=[1, 3, -1], ids=["batch 1", "batch 3", "any batch"])
def graph(request: pytest.FixtureRequest) -> tuple[ov.CompiledModel, int]:
    return build(request.param), abs(request.param) if request.param > 0 else 2


def crowd(seed: int, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes in clusters, so that much must be suppressed."""
    random = np.random.default_rng(seed)
    middles = random.uniform(0.1, 0.9, (batch, 12, 2))
    cluster = random.integers(0, 12, (batch, ANCHORS))
    middle = np.take_along_axis(middles, cluster[..., None], 1)
    middle = middle + random.normal(0, 0.01, middle.shape)
    half = random.uniform(0.04, 0.1, middle.shape)
    boxes = np.concatenate([middle - half, middle + half], axis=2).clip(0, 1)
    scores = random.uniform(0, 0.04, (batch, ANCHORS, len(CATEGORY_IDS)))
    classes = random.integers(0, 3, (batch, ANCHORS))
    np.put_along_axis(scores, classes[..., None], random.uniform(0, 1, (batch, ANCHORS, 1)), 2)
    return boxes.astype(np.float32), scores.astype(np.float32)


def greedy(boxes: np.ndarray, scores: np.ndarray) -> list[tuple[float, int, tuple[float, ...]]]:
    best_class, best = np.take(CATEGORY_IDS, scores.argmax(1)), scores.max(1)
    kept: list[int] = []
    for row in np.argsort(-best)[:CANDIDATES]:
        rivals = [k for k in kept if best_class[k] == best_class[row]]
        if all(iou(boxes[k], boxes[row]) <= MAX_IOU for k in rivals):
            kept.append(int(row))
    return [
        (float(best[k]), int(best_class[k]), tuple(boxes[k])) for k in kept if best[k] >= MIN_SCORE
    ]


def iou(a: np.ndarray, b: np.ndarray) -> float:
    sides = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None)
    shared = sides[0] * sides[1]
    return float(shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared))


@pytest.mark.parametrize("seed", range(12))
def test_it_keeps_what_greedy_suppression_keeps(graph, seed: int) -> None:
    compiled, batch = graph
    boxes, scores = crowd(seed, batch)
    out_boxes, out_classes, out_scores, used = compiled([boxes, scores]).values()
    for picture in range(batch):
        expected = greedy(boxes[picture], scores[picture])
        assert 10 < len(expected) < CANDIDATES
        n = len(expected)
        assert used[picture] == n and (out_scores[picture][n:] == 0).all()
        np.testing.assert_allclose(out_scores[picture][:n], [e[0] for e in expected], atol=1e-6)
        assert out_classes[picture][:n].astype(int).tolist() == [e[1] for e in expected]
        np.testing.assert_allclose(out_boxes[picture][:n], [e[2] for e in expected], atol=1e-6)
